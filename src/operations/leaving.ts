import type { Room } from "../ledger/ledger.ts"

/**
 * Changes a row unless it is being deleted, or gone: the user was told so, and an operation that
 * was accepted before must not bring it back.
 */
export async function changeUnlessLeaving<T extends { id: string; state: string }>(
  room: Room<T>,
  id: string,
  patch: Partial<T>,
): Promise<void> {
  const row = await room.get(id)
  if (row !== undefined && row.state !== "deleting") await room.change(id, patch)
}
