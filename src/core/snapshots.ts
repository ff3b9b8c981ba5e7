/** Snapshots: take, find, delete, read out. */
import type { Principal } from "../domain/account.ts"
import { attempt, type Result } from "../domain/fault.ts"
import { newId, type PointId, type SnapshotId } from "../domain/ids.ts"
import { labelsOf } from "../domain/labels.ts"
import type { Machine, MachineDescription } from "../domain/machine.ts"
import type { Point, Snapshot, SnapshotBytes } from "../domain/snapshot.ts"
import type { Volume } from "../domain/volume.ts"
import type { ReadRooms } from "../ledger/ledger.ts"
import { snapshotCapture } from "../operations/snapshot/capture.ts"
import { snapshotCreate } from "../operations/snapshot/create.ts"
import { snapshotDelete } from "../operations/snapshot/delete.ts"
import { snapshotExport } from "../operations/snapshot/export.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, Snapshots, SnapshotView, SnapshotWish, Started } from "./core.ts"
import { mustBeFree, mustBeName } from "./names.ts"
import { mustFit } from "./quota.ts"
import { bury, mostPoints, readyPoint, shownSnapshot, shownStates } from "./snapshot-rows.ts"
import { coveredBy, mustBePossible, taking } from "./snapshot-source.ts"
import { openSnapshotSpace } from "./snapshot-space.ts"
import { streamed } from "./streamed.ts"
import { must, scopeOf } from "./visible.ts"

export const openSnapshots = (context: Context): Snapshots => ({
  create: (asking, wish) => createSnapshot(context, asking, wish),
  get: (who, id) =>
    attempt(async () => {
      const { read } = context.ledger
      return await viewOf(context, read, await shownSnapshot(read, who, id))
    }),
  list: (who, listing) => listSnapshots(context, who, listing),
  remove: (asking, id) => removeSnapshot(context, asking, id),
  exportTo: (asking, wish) => exportSnapshot(context, asking, wish),
  ...openSnapshotSpace(context),
})

type SnapshotListing = Parameters<Snapshots["list"]>[1]
type ExportWish = Parameters<Snapshots["exportTo"]>[1]

function createSnapshot(
  context: Context,
  asking: Asking,
  wish: SnapshotWish,
): Promise<Result<Started<SnapshotView>>> {
  return accept(context, asking, {
    saga: asksTheGuest(wish) ? snapshotCapture : snapshotCreate,
    plan: async (rooms, operationId) => {
      mustBeName(wish.name, wish.nameRule)
      const covered = await coveredBy(rooms, asking, wish.source)
      mustBePossible(context, wish, covered.machine)
      const { id: sourceId, kind: sourceKind } = wish.source
      const name = wish.name
      const alike = { sourceId, name, state: [...shownStates] }
      await mustBeFree(wish.nameRule, "snapshot", name, () => rooms.snapshots.find(alike))
      const reserves = await mustFit(rooms, context, taking(wish, covered))
      const snapshot: Snapshot = {
        id: newId<"snapshot">(context.clock()),
        accountId: covered.accountId,
        name,
        state: "creating",
        sourceKind,
        sourceId,
        parentId: null,
        consistency: null,
        machine: covered.machine === null ? null : describe(covered.machine, covered.volumes),
        memoryBytes: null,
        ...labelsOf(wish),
        recovery: false,
        expiresAt: null,
        reason: null,
        createdAt: context.clock(),
        readyAt: null,
      }
      await rooms.snapshots.add(snapshot)
      const points = covered.volumes.map((volume) => pointOf(snapshot, volume))
      for (const point of points) await rooms.points.add(point)
      const { id: snapshotId, accountId } = snapshot
      return {
        resource: { ...snapshot, points, bytes: nothing, current: false },
        accountId,
        target: { kind: "snapshot", id: snapshotId },
        subject: sourceId,
        holds: [snapshotId, ...covered.holds],
        params: {
          snapshotId,
          source: wish.source,
          ...(asksTheGuest(wish)
            ? { operationId, machineId: sourceId, memory: wish.memory === true }
            : {}),
          points: points.map(({ id, volumeId, engine }) => ({ pointId: id, volumeId, engine })),
        },
        reserves,
      }
    },
  })
}

const asksTheGuest = ({ memory, quiesce }: SnapshotWish) => memory === true || quiesce === true

function listSnapshots(
  context: Context,
  who: Principal,
  listing: SnapshotListing,
): Promise<Result<SnapshotView[]>> {
  return attempt(async () => {
    const { name, source } = listing
    const rows = await context.ledger.read.snapshots.find(
      {
        ...must(scopeOf(who, listing)),
        ...(name === undefined ? {} : { name }),
        ...(source === undefined ? {} : { sourceId: source.id }),
        state: [...shownStates],
      },
      listing,
    )
    return await viewsOf(context, context.ledger.read, rows)
  })
}

function removeSnapshot(
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
      return {
        resource: { ...snapshot, state: "deleting", points, bytes: nothing, current: false },
        accountId: snapshot.accountId,
        target: { kind: "snapshot", id },
        subject: snapshot.sourceId,
        holds: [id],
        params: {
          snapshotId: id,
          points: points.map((point) => ({ pointId: point.id, engine: point.engine })),
        },
      }
    },
  })
}

function exportSnapshot(
  context: Context,
  asking: Asking,
  { id, volume, sink }: ExportWish,
): Promise<Result<Started<SnapshotView>>> {
  return streamed(
    context,
    { sink },
    (operationId) =>
      accept(context, asking, {
        saga: snapshotExport,
        operationId,
        plan: async (rooms) => {
          const point = await readyPoint(rooms, asking.who, id, volume)
          const snapshot = await shownSnapshot(rooms, asking.who, id)
          const points = await rooms.points.find({ snapshotId: id })
          return {
            resource: { ...snapshot, points, bytes: nothing, current: false },
            accountId: snapshot.accountId,
            target: { kind: "snapshot", id },
            subject: snapshot.sourceId,
            holds: [id],
            params: { snapshotId: id, pointId: point.id, engine: point.engine },
          }
        },
      }),
    async () => null,
  )
}

const nothing: SnapshotBytes = { exclusive: 0, shared: 0, freedIfDeleted: 0 }

async function viewOf(
  context: Context,
  rooms: ViewRooms,
  snapshot: Snapshot,
): Promise<SnapshotView> {
  const [view] = await viewsOf(context, rooms, [snapshot])
  if (view === undefined) throw new Error(`snapshot ${snapshot.id} has no view`)
  return view
}

type ViewRooms = Pick<ReadRooms, "points" | "standing">

/** A page at a time: its points in one query, their bytes in one question to the engine. */
async function viewsOf(
  context: Context,
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
  const standing = new Map<string, string | null>()
  for (const id of sources) standing.set(id, await rooms.standing.get(id))
  return snapshots.map((snapshot) => {
    const own = bySnapshot.get(snapshot.id) ?? []
    const kept = snapshot.memoryBytes ?? 0
    const memory = { exclusive: kept, shared: 0, freedIfDeleted: kept }
    const bytes = own.reduce((sum, { id }) => added(sum, spaces.get(id) ?? nothing), memory)
    const current = standing.get(snapshot.sourceId) === snapshot.id
    return { ...snapshot, points: own, bytes, current }
  })
}

async function spacesOf(context: Context, points: readonly Point[]) {
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

const describe = (machine: Machine, volumes: readonly Volume[]): MachineDescription => ({
  hardware: machine.hardware,
  disks: volumes.map(({ id, slot, role }) => ({ volumeId: id, slot: slot ?? 0, role })),
  running: machine.state === "running",
  accelerator: machine.process?.accelerator ?? null,
})

const pointOf = (snapshot: Snapshot, volume: Volume): Point => ({
  id: newId<"point">(snapshot.createdAt),
  snapshotId: snapshot.id,
  volumeId: volume.id,
  engine: volume.engine,
  sizeBytes: volume.sizeBytes,
  role: snapshot.sourceKind === "machine" ? volume.role : "volume",
})
