/** A disk from outside becomes an image: received beside everything, then published. */
import { mkdir, open, rm } from "node:fs/promises"
import { resolve } from "node:path"
import type { ImageId } from "../../domain/ids.ts"
import type { MachineKind } from "../../domain/machine.ts"
import type { Rooms } from "../../ledger/ledger.ts"
import { changeUnlessLeaving } from "../leaving.ts"
import { type Receiving, receive, unreceive } from "../receive.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type ImageImport = Receiving & { imageId: ImageId }

export const imageImport = saga<Tools, ImageImport>("image-import", 1).step("receive", {
  do: (tools, params) => receive(tools, params, () => tools.transfers.source(tools.operationId)),
  record: (rooms, { imageId, sizeBytes }) =>
    changeUnlessLeaving(rooms.images, imageId, { state: "ready", sizeBytes, reason: null }),
  undo: (tools, params) => unreceive(tools, params),
  unrecord: failImage,
})

export type ImageBuildDemo = Omit<Receiving, "sizeBytes"> & { imageId: ImageId; kind: MachineKind }

type Built = { sizeBytes: number; append: string } | null

/** Safe to ask for again: an image that is ready is found, and nothing is built. */
export const imageBuildDemo = saga<Tools, ImageBuildDemo>("image-build-demo", 1).step<
  "build",
  Built
>("build", {
  async do(tools, params) {
    const { imageId, kind } = params
    if ((await tools.read.images.get(imageId))?.state === "ready") return null
    const host = tools.host(kind)
    const missing = await host.unavailable()
    const workshop = tools.scratchDir
    await mkdir(workshop, { recursive: true })
    if (missing !== null) tools.report(0, `${missing.what} is missing: ${missing.remedy}`)
    const demo = await host.buildDemo(workshop, (progress, message) =>
      tools.report((progress / 100) * 0.9, message),
    )
    await host.keepBootFiles(imageId, demo.boot)
    await using disk = await open(resolve(workshop, demo.disk))
    const stream = disk.createReadStream({ autoClose: false })
    const source = { format: "raw", stream, lengthBytes: demo.sizeBytes } as const
    await receive(tools, { ...params, sizeBytes: demo.sizeBytes }, () => source)
    await rm(workshop, { recursive: true, force: true })
    return { sizeBytes: demo.sizeBytes, append: demo.append }
  },
  async record(rooms, { imageId, pointId, output }) {
    if (output === null) return
    const { sizeBytes, append } = output
    const ready = { state: "ready", pointId, sizeBytes, boot: { append }, reason: null } as const
    await changeUnlessLeaving(rooms.images, imageId, ready)
  },
  async undo(tools, params) {
    await rm(tools.scratchDir, { recursive: true, force: true })
    if ((await tools.read.images.get(params.imageId))?.state === "ready") return
    await unreceive(tools, { ...params, sizeBytes: 0 })
    await tools.host(params.kind).dropBootFiles(params.imageId)
  },
  unrecord: failImage,
})

async function failImage(
  rooms: Rooms,
  { imageId, reason }: { imageId: ImageId; reason: string },
): Promise<void> {
  const image = await rooms.images.get(imageId)
  if (image?.state === "creating") await rooms.images.change(imageId, { state: "failed", reason })
}
