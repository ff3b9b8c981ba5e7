/** Points on their own, for faces that know snapshots of volumes alone: one row for each volume. */
import type { Principal } from "../domain/account.ts"
import { attempt, Refusal } from "../domain/fault.ts"
import type { PointId, SnapshotId } from "../domain/ids.ts"
import type { Point } from "../domain/snapshot.ts"
import type { PointRow, PointsWhere, ReadRooms, Rooms } from "../ledger/ledger.ts"
import { snapshotCapture } from "../operations/snapshot/capture.ts"
import { snapshotCreate } from "../operations/snapshot/create.ts"
import type { Context } from "./context.ts"
import type { PointListing, PointView, Snapshots } from "./core.ts"
import { stateIn } from "./snapshot-rows.ts"
import { must, scopeOf, seen } from "./visible.ts"

type Points = Pick<Snapshots, "point" | "points" | "countPoints">

export function openPoints({ ledger: { read } }: Pick<Context, "ledger">): Points {
  return {
    point: (who, id) =>
      attempt(async () => {
        const [view] = await viewsOf(read, [await shownPoint(read, who, id)])
        if (view === undefined) throw new Error(`point ${id} has no view`)
        return view
      }),
    points: (who, listing) =>
      attempt(async () => {
        const page = { order: "newest-first", ...listing } as const
        return await viewsOf(read, await read.points.page(whereOf(who, listing), page))
      }),
    countPoints: (who, listing) =>
      attempt(async () => await read.points.countIn(whereOf(who, listing))),
  }
}

/** Of a snapshot that is shown, and no recovery snapshot: to those who list points they are not there. */
export async function shownPoint(
  rooms: { [K in "points" | "snapshots"]: Pick<Rooms[K], "get"> },
  who: Principal,
  id: PointId,
): Promise<PointRow> {
  const point: Point = must(seen(who, "point", id, await rooms.points.get(id)))
  const snapshot = await rooms.snapshots.get(point.snapshotId)
  if (snapshot === undefined || snapshot.recovery || snapshot.state === "deleting") {
    throw new Refusal({ kind: "not-found", what: "point", id })
  }
  return { point, snapshot }
}

/** The account is said of both sides: points are found by it, and snapshots by it and their name. */
function whereOf(who: Principal, listing: PointListing): PointsWhere {
  const { volumeId, snapshotId, name, state } = listing
  const account = must(scopeOf(who, listing))
  return {
    point: {
      ...account,
      ...(volumeId === undefined ? {} : { volumeId }),
      ...(snapshotId === undefined ? {} : { snapshotId }),
    },
    snapshot: {
      ...(name === undefined ? {} : { ...account, name }),
      state: stateIn(state),
      recovery: false,
    },
  }
}

async function viewsOf(read: ReadRooms, rows: readonly PointRow[]): Promise<PointView[]> {
  const beingTaken = rows.flatMap(({ snapshot: { id, state } }) => (state === "creating" ? id : []))
  const under = beingTaken.length === 0 ? undefined : await progressOf(read, beingTaken)
  return rows.map(({ point, snapshot }) => ({
    point,
    snapshot,
    progress: snapshot.state === "ready" ? 100 : (under?.get(snapshot.id) ?? 0),
  }))
}

/** Each snapshot is taken by one operation. */
async function progressOf(
  { operations }: ReadRooms,
  snapshots: readonly SnapshotId[],
): Promise<ReadonlyMap<string, number>> {
  const kind = [snapshotCreate.name, snapshotCapture.name]
  const targetId = [...new Set(snapshots)]
  const taking = await operations.find({ targetId, kind }, { limit: targetId.length })
  return new Map(taking.map((operation) => [operation.targetId, operation.progress]))
}
