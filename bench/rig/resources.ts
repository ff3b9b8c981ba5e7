/** Volumes and machines for a benchmark to work on, made through the native API. */
import type { Client } from "./client.ts"
import type { Server } from "./server.ts"

export const GiB = 2 ** 30

let made = 0
/** A name nobody has yet. */
export const newName = () => `bench-${++made}`

type Started = { id: string; operationId: string }

/** Resolves when it is available. */
export async function makeVolume(
  api: Client,
  wish: { sizeBytes: number } | { snapshotId: string },
): Promise<string> {
  const volume = { name: newName(), ...wish }
  const { id, operationId } = await api.ask<Started>("POST", "/api/volumes", volume)
  await api.untilDone(operationId)
  return id
}

/** A machine from the demo image, its guest up, with these extra volumes; deleted afterwards. */
export async function bootMachine(
  { api }: Server,
  wish: { kind: string; volumeIds: readonly string[] },
  after: (end: () => unknown) => void,
): Promise<string> {
  const image = await api.ask<Started>("POST", "/api/images/demo")
  await api.untilDone(image.operationId)
  const machine = { name: newName(), imageId: image.id, ...wish }
  const { id, operationId } = await api.ask<Started>("POST", "/api/machines", machine)
  after(async () => {
    const going = await api.ask<Started>("DELETE", `/api/machines/${id}`)
    await api.untilDone(going.operationId)
  })
  await api.untilDone(operationId)
  return id
}
