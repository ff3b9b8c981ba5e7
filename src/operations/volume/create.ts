/** A volume is made: empty, or a new head on a snapshot's point. Instant, whatever the size. */
import type { PointId, VolumeId } from "../../domain/ids.ts"
import { changeUnlessLeaving } from "../leaving.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type VolumeCreate = {
  volumeId: VolumeId
  engine: string
  sizeBytes: number
  pointId: PointId | null
}

export const volumeCreate = saga<Tools, VolumeCreate>("volume-create", 1).step("make", {
  do: (tools, { engine, volumeId, sizeBytes, pointId }) =>
    tools
      .engine(engine)
      .createHead(volumeId, { sizeBytes, ...(pointId === null ? {} : { point: pointId }) }),
  record: async (rooms, { volumeId }) => {
    // It may have been promised to a machine while it waited to be made.
    const volume = await rooms.volumes.get(volumeId)
    const state = volume?.machineId === null ? "available" : "in-use"
    await changeUnlessLeaving(rooms.volumes, volumeId, { state })
  },
  undo: (tools, { engine, volumeId }) => tools.engine(engine).dropHead(volumeId),
  unrecord: (rooms, { volumeId, reason }) =>
    changeUnlessLeaving(rooms.volumes, volumeId, { state: "failed", reason }),
})
