/** Deleting snapshots, whole or one volume's part: gone at once, their bytes in the background. */
import type { Principal } from "../domain/account.ts"
import type { Result } from "../domain/fault.ts"
import type { PointId, SnapshotId } from "../domain/ids.ts"
import type { Point, Snapshot } from "../domain/snapshot.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { bury } from "../operations/snapshot/bury.ts"
import { dropOf, snapshotDelete } from "../operations/snapshot/delete.ts"
import { accept, type Plan } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, PointView, SnapshotView, Started } from "./core.ts"
import { shownPoint } from "./snapshot-points.ts"
import { shownSnapshot } from "./snapshot-rows.ts"
import { withoutBytes } from "./snapshot-views.ts"

export function removeSnapshot(
  context: Context,
  asking: Asking,
  id: SnapshotId,
): Promise<Result<Started<SnapshotView>>> {
  return accept(context, asking, {
    saga: snapshotDelete,
    plan: async (rooms) => {
      const snapshot = await shownSnapshot(rooms, asking.who, id)
      const points = await rooms.points.find({ snapshotId: id })
      await bury(rooms, id)
      const resource = withoutBytes({ ...snapshot, state: "deleting" }, points)
      return { ...dropping(snapshot, points), resource }
    },
  })
}

/**
 * A point that is not the last leaves the record at once, so that nothing new is built on it; what
 * was promised on it before is first in the snapshot's queue.
 */
export function removePoint(
  context: Context,
  asking: Asking,
  id: PointId,
): Promise<Result<Started<PointView>>> {
  return accept(context, asking, {
    saga: snapshotDelete,
    plan: (rooms) => pointRemoval(rooms, asking.who, id),
  })
}

async function pointRemoval(rooms: Rooms, who: Principal, id: PointId): Promise<Plan<PointView>> {
  const { point, snapshot } = await shownPoint(rooms, who, id)
  const left = (await rooms.points.find({ snapshotId: snapshot.id })).length - 1
  if (left > 0) await rooms.points.remove(id)
  else await bury(rooms, snapshot.id)
  // For those who know it by this point alone it is the snapshot that goes.
  const gone = { ...snapshot, state: "deleting" } as const
  return { ...dropping(snapshot, [point]), resource: { point, snapshot: gone, progress: 0 } }
}

function dropping(
  { id, accountId, sourceId }: Snapshot,
  points: readonly Point[],
): Omit<Plan<never>, "resource"> {
  const target = { kind: "snapshot", id } as const
  return { accountId, target, subject: sourceId, holds: [id], params: dropOf(id, points) }
}
