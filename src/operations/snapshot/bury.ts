/** What the ledger says of a snapshot from the moment that somebody, or its successor, deletes it. */
import type { SnapshotId } from "../../domain/ids.ts"
import type { Rooms } from "../../ledger/ledger.ts"
import { every } from "../every.ts"

/**
 * From here on the snapshot is gone for everybody: its children hang on its parent, and what
 * stood on it stands on its parent too.
 */
export async function bury(rooms: Rooms, id: SnapshotId): Promise<void> {
  const parentId = (await rooms.snapshots.get(id))?.parentId ?? null
  for (const child of await every(rooms.snapshots, { parentId: id })) {
    await rooms.snapshots.change(child.id, { parentId })
  }
  await rooms.standing.move(id, parentId)
  await rooms.snapshots.change(id, { state: "deleting" })
}
