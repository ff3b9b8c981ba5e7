/**
 * The oldest snapshots of a source give way to a new one: in the transaction in which that one is
 * there, so that whatever becomes of it before, they stay. Until then there is one more than the
 * source may have.
 */
import { newId, type OperationId } from "../../domain/ids.ts"
import type { Snapshot } from "../../domain/snapshot.ts"
import type { Rooms } from "../../ledger/ledger.ts"
import { file } from "../filing.ts"
import { bury } from "./bury.ts"
import { dropOf, snapshotDelete } from "./delete.ts"

export type Replacing = {
  /** So many of the source are ready at most once the new one is. */
  most: number
  /** The operation that takes the new one: whoever asked for it deletes the old ones. */
  by: OperationId
}

/**
 * Who goes is said here, not when the request was accepted: some may be gone by now. Those that
 * reverts keep do not count.
 */
export async function replaceOldest(
  rooms: Rooms,
  newest: Pick<Snapshot, "id" | "sourceId">,
  { most, by }: Replacing,
): Promise<void> {
  const counted = { sourceId: newest.sourceId, recovery: false, state: "ready" } as const
  const tooMany = (await rooms.snapshots.count(counted)) - most
  if (tooMany <= 0) return
  // One more, in case that it is itself among the oldest: it is not what gives way.
  const oldest = await rooms.snapshots.find(counted, { limit: tooMany + 1 })
  const going = oldest.filter(({ id }) => id !== newest.id).slice(0, tooMany)
  for (const each of going) await deleteFor(rooms, each, by)
}

async function deleteFor(rooms: Rooms, snapshot: Snapshot, by: OperationId): Promise<void> {
  const taking = await rooms.operations.get(by)
  if (taking === undefined) throw new Error(`operation ${by} is not on record`)
  const { id, accountId, sourceId } = snapshot
  const points = await rooms.points.find({ snapshotId: id })
  await bury(rooms, id)
  const { userId, caller, node } = taking
  const at = Date.now()
  await file(rooms, {
    ...{ id: newId<"operation">(at), at, saga: snapshotDelete, userId, caller, node, accountId },
    ...{ target: { kind: "snapshot", id }, subject: sourceId, holds: [id] },
    ...{ params: dropOf(id, points), reserves: 0, refused: null },
  })
}
