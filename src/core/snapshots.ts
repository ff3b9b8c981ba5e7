/** Snapshots: take, find, change, delete, read out. */
import type { Principal } from "../domain/account.ts"
import { attempt, type Result } from "../domain/fault.ts"
import { snapshotExport } from "../operations/snapshot/export.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, SnapshotListing, Snapshots, SnapshotView, Started } from "./core.ts"
import { whereOf } from "./listed.ts"
import { changeSnapshot } from "./snapshot-change.ts"
import { createSnapshot } from "./snapshot-create.ts"
import { openPoints } from "./snapshot-points.ts"
import { removePoint, removeSnapshot } from "./snapshot-remove.ts"
import { lineage, readyPoint, shownSnapshot, stateIn } from "./snapshot-rows.ts"
import { openSnapshotSpace } from "./snapshot-space.ts"
import { viewOf, viewsOf, withoutBytes } from "./snapshot-views.ts"
import { streamed } from "./streamed.ts"

export const openSnapshots = (context: Context): Snapshots => ({
  create: (asking, wish) => createSnapshot(context, asking, wish),
  get: (who, id) =>
    attempt(async () => {
      const { read } = context.ledger
      return await viewOf(context, read, await shownSnapshot(read, who, id))
    }),
  list: (who, listing) => listSnapshots(context, who, listing),
  change: (asking, id, change) => changeSnapshot(context, asking, id, change),
  ...openPoints(context),
  removePoint: (asking, id) => removePoint(context, asking, id),
  remove: (asking, id) => removeSnapshot(context, asking, id),
  exportTo: (asking, wish) => exportSnapshot(context, asking, wish),
  ...openSnapshotSpace(context),
})

type ExportWish = Parameters<Snapshots["exportTo"]>[1]

function listSnapshots(
  context: Context,
  who: Principal,
  listing: SnapshotListing,
): Promise<Result<SnapshotView[]>> {
  return attempt(async () => {
    const { source, lineageOf: machineId, state } = listing
    const { read } = context.ledger
    // The administrator finds what is of one thing wherever that is, as the thing itself by its id.
    const ofOne = source !== undefined || machineId !== undefined
    const scope = { allAccounts: listing.allAccounts === true || (ofOne && who.everywhere) }
    const rows = await read.snapshots.find(
      {
        ...whereOf(who, { ...listing, ...scope }, ["recovery"]),
        ...(source === undefined ? {} : { sourceId: source.id }),
        ...(machineId === undefined ? {} : { sourceId: await lineage(read, machineId) }),
        state: stateIn(state),
      },
      listing,
    )
    return await viewsOf(context, read, rows)
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
            resource: withoutBytes(snapshot, points),
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
