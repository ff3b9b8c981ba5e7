/**
 * What remains of a deleted snapshot goes. It was gone for everybody when the request was
 * accepted; here its points are dropped, and their bytes where nothing else needs them.
 */
import type { PointId, SnapshotId } from "../../domain/ids.ts"
import { dropMemories, dropPoints } from "../points.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type SnapshotDelete = {
  snapshotId: SnapshotId
  points: readonly { pointId: PointId; engine: string }[]
}

export const snapshotDelete = saga<Tools, SnapshotDelete>("snapshot-delete", 1).step("drop", {
  forwardOnly: true,
  async do(tools, { snapshotId, points }) {
    await dropMemories(tools, [snapshotId])
    await dropPoints(tools, points)
  },
  async record(rooms, { snapshotId, points }) {
    for (const { pointId } of points) await rooms.points.remove(pointId)
    await rooms.snapshots.remove(snapshotId)
  },
})
