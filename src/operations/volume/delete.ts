/** A volume goes, and with `cascade` the snapshots it was refused for. Only forward. */
import type { PointId, SnapshotId, VolumeId } from "../../domain/ids.ts"
import { dropPoints } from "../points.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type VolumeDelete = {
  volumeId: VolumeId
  engine: string
  /** Snapshots that go altogether, and the points that go (also out of machines' snapshots). */
  snapshotIds: readonly SnapshotId[]
  points: readonly { pointId: PointId; engine: string }[]
}

export const volumeDelete = saga<Tools, VolumeDelete>("volume-delete", 1).step("drop", {
  forwardOnly: true,
  async do(tools, { engine, volumeId, points }) {
    await dropPoints(tools, points)
    await tools.engine(engine).dropHead(volumeId)
  },
  async record(rooms, { volumeId, snapshotIds, points }) {
    for (const { pointId } of points) await rooms.points.remove(pointId)
    for (const id of snapshotIds) await rooms.snapshots.remove(id)
    await rooms.standing.set(volumeId, null)
    await rooms.volumes.remove(volumeId)
  },
})
