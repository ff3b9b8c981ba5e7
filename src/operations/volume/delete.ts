/** A volume goes, and with `cascade` the snapshots it was refused for. Only forward. */
import type { VolumeId } from "../../domain/ids.ts"
import { forgetLeaving, pointsLeaving } from "../departed.ts"
import { dropPoints } from "../points.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type VolumeDelete = {
  volumeId: VolumeId
  engine: string
}

export const volumeDelete = saga<Tools, VolumeDelete>("volume-delete", 1).step("drop", {
  forwardOnly: true,
  async do(tools, { engine, volumeId }) {
    await dropPoints(tools, await pointsLeaving(tools.read, { volumeId }))
    await tools.engine(engine).dropHead(volumeId)
  },
  async record(rooms, { volumeId }) {
    await forgetLeaving(rooms, { volumeId })
    await rooms.standing.set(volumeId, null)
    await rooms.volumes.remove(volumeId)
  },
})
