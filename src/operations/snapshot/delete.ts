/**
 * What remains of a deleted snapshot, or of one volume's part of it, goes. It was gone for
 * everybody when the request was accepted; here its points are dropped, and their bytes where
 * nothing else needs them. A snapshot that has other points keeps them, and its memory.
 */
import type { PointId, SnapshotId } from "../../domain/ids.ts"
import type { Point } from "../../domain/snapshot.ts"
import type { ReadRooms } from "../../ledger/ledger.ts"
import { dropMemories, dropPoints } from "../points.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type SnapshotDelete = {
  snapshotId: SnapshotId
  points: readonly { pointId: PointId; engine: string }[]
}

export const dropOf = (
  snapshotId: SnapshotId,
  points: readonly Pick<Point, "id" | "engine">[],
): SnapshotDelete => ({
  snapshotId,
  points: points.map(({ id, engine }) => ({ pointId: id, engine })),
})

export const snapshotDelete = saga<Tools, SnapshotDelete>("snapshot-delete", 1).step("drop", {
  forwardOnly: true,
  async do(tools, { snapshotId, points }) {
    if (!(await keepsOthers(tools.read, snapshotId, points))) {
      await dropMemories(tools, [snapshotId])
    }
    await dropPoints(tools, points)
  },
  async record(rooms, { snapshotId, points }) {
    for (const { pointId } of points) await rooms.points.remove(pointId)
    if (!(await keepsOthers(rooms, snapshotId, points))) await rooms.snapshots.remove(snapshotId)
  },
})

async function keepsOthers(
  rooms: { points: Pick<ReadRooms["points"], "find"> },
  snapshotId: SnapshotId,
  going: SnapshotDelete["points"],
): Promise<boolean> {
  const gone = new Set(going.map(({ pointId }) => pointId))
  return (await rooms.points.find({ snapshotId })).some(({ id }) => !gone.has(id))
}
