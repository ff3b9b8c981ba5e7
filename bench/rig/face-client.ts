/** How a client of each face asks for a snapshot and learns that it can be used. */
import { setTimeout as sleep } from "node:timers/promises"
import { openClient } from "./client.ts"
import type { Server } from "./server.ts"

export interface FaceClient {
  /** From the request to the answer that says it is ready; resolves with its id there. */
  takeSnapshot(volumeId: string, name: string): Promise<string>
}

type Started = { id: string; operationId: string }

export const nativeClient = ({ api }: Server): FaceClient => ({
  async takeSnapshot(volumeId, name) {
    const { id, operationId } = await api.ask<Started>("POST", "/api/snapshots", { volumeId, name })
    await api.untilDone(operationId)
    return id
  },
})

/**
 * Whoever asks without a pause takes the time that the work needs. Where a face has no way to wait,
 * its client pauses before it asks again, each time longer.
 */
async function untilOver<T>(
  first: T,
  isOver: (told: T) => boolean,
  again: (told: T) => Promise<T>,
) {
  let told = first
  for (let pauseMs = firstPauseMs; !isOver(told); pauseMs *= patience) {
    await sleep(pauseMs)
    told = await again(told)
  }
  return told
}

const firstPauseMs = 1
const patience = 2

/** Block Storage v1: whoever waits there asks again and again. */
export function openstackClient({ urls, token }: Server): FaceClient {
  const client = openClient(urls["openstack"] ?? "", { "x-auth-token": token })
  const path = "/v1/admin/snapshots"
  type Told = { snapshot: { id: string; status: string } }
  return {
    async takeSnapshot(volumeId, name) {
      // A volume that a machine has is taken only by force, as this API calls it.
      const wish = { snapshot: { volume_id: volumeId, display_name: name, force: true } }
      const { snapshot } = await untilOver(
        await client.ask<Told>("POST", path, wish),
        (told) => told.snapshot.status !== "creating",
        (told) => client.ask<Told>("GET", `${path}/${told.snapshot.id}`),
      )
      if (snapshot.status !== "available") throw new Error(`the snapshot is ${snapshot.status}`)
      return snapshot.id
    },
  }
}

/** A tracker is asked again and again; it names the snapshot second. */
export function iaasClient({ urls, token }: Server): FaceClient {
  const client = openClient(urls["iaas"] ?? "", { authorization: `Bearer ${token}` })
  type Tracker = { selfLink: string; status: string; message: string; resources: string[] }
  return {
    async takeSnapshot(volumeId, name) {
      const path = `/iaas/api/block-devices/${volumeId}/operations/snapshots`
      const tracker = await untilOver(
        await client.ask<Tracker>("POST", path, { name }),
        ({ status }) => status !== "INPROGRESS",
        ({ selfLink }) => client.ask<Tracker>("GET", selfLink),
      )
      if (tracker.status !== "FINISHED") throw new Error(tracker.message)
      return tracker.resources[1]?.split("/").at(-1) ?? ""
    },
  }
}
