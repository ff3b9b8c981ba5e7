/** Snapshots as they are shown: with their points, and the bytes that these hold. */
import type { PointId } from "../domain/ids.ts"
import type { Point, Snapshot, SnapshotBytes } from "../domain/snapshot.ts"
import type { ReadRooms } from "../ledger/ledger.ts"
import type { Context } from "./context.ts"
import type { SnapshotView } from "./core.ts"
import { mostPoints } from "./snapshot-rows.ts"

const nothing: SnapshotBytes = { exclusive: 0, shared: 0, freedIfDeleted: 0 }

/** For answers within a transaction, which asks no engine how many bytes there are. */
export const withoutBytes = (snapshot: Snapshot, points: Point[]): SnapshotView => ({
  ...snapshot,
  points,
  bytes: nothing,
  current: false,
})

type ViewRooms = Pick<ReadRooms, "points" | "standing">

export async function viewOf(
  context: Pick<Context, "engine">,
  rooms: ViewRooms,
  snapshot: Snapshot,
): Promise<SnapshotView> {
  const [view] = await viewsOf(context, rooms, [snapshot])
  if (view === undefined) throw new Error(`snapshot ${snapshot.id} has no view`)
  return view
}

/** A page at a time: its points in one query, their bytes in one question to the engine. */
export async function viewsOf(
  context: Pick<Context, "engine">,
  rooms: ViewRooms,
  snapshots: readonly Snapshot[],
): Promise<SnapshotView[]> {
  const limit = Math.max(1, snapshots.length) * mostPoints
  const points = await rooms.points.find({ snapshotId: snapshots.map(({ id }) => id) }, { limit })
  const bySnapshot = Map.groupBy(points, (point) => point.snapshotId)
  const ready = new Set(snapshots.filter(({ state }) => state === "ready").map(({ id }) => id))
  const spaces = await spacesOf(
    context,
    points.filter((point) => ready.has(point.snapshotId)),
  )
  const sources = new Set(snapshots.map(({ sourceId }) => sourceId))
  const standing = await rooms.standing.among([...sources])
  return snapshots.map((snapshot) => {
    const own = bySnapshot.get(snapshot.id) ?? []
    const kept = snapshot.memoryBytes ?? 0
    const memory = { exclusive: kept, shared: 0, freedIfDeleted: kept }
    const bytes = own.reduce((sum, { id }) => added(sum, spaces.get(id) ?? nothing), memory)
    const current = standing.get(snapshot.sourceId) === snapshot.id
    return { ...snapshot, points: own, bytes, current }
  })
}

async function spacesOf(context: Pick<Context, "engine">, points: readonly Point[]) {
  const all = new Map<PointId, SnapshotBytes>()
  for (const [engine, ofEngine] of Map.groupBy(points, (point) => point.engine)) {
    const found = await context.engine(engine).space(ofEngine.map((point) => point.id))
    for (const [id, bytes] of found) all.set(id, bytes)
  }
  return all
}

const added = (a: SnapshotBytes, b: SnapshotBytes): SnapshotBytes => ({
  exclusive: a.exclusive + b.exclusive,
  shared: a.shared + b.shared,
  freedIfDeleted: a.freedIfDeleted + b.freedIfDeleted,
})
