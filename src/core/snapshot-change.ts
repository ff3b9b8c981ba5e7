/** What is changed of a snapshot without work: its name and its labels. */
import { attempt, type Result } from "../domain/fault.ts"
import type { SnapshotId } from "../domain/ids.ts"
import { changeAtOnce } from "./change.ts"
import { claimed } from "./claims.ts"
import type { Context } from "./context.ts"
import type { Asking, ClaimingChange, SnapshotView } from "./core.ts"
import { changed } from "./labels.ts"
import { mustBeFree } from "./names.ts"
import { namesakes, shownSnapshot } from "./snapshot-rows.ts"
import { viewOf } from "./snapshot-views.ts"

export async function changeSnapshot(
  context: Context,
  asking: Asking,
  id: SnapshotId,
  change: ClaimingChange,
): Promise<Result<SnapshotView>> {
  const target = { kind: "snapshot", id } as const
  const row = await changeAtOnce(context, asking, target, async (rooms) => {
    const snapshot = await shownSnapshot(rooms, asking.who, id)
    const { accountId } = snapshot
    const patch = { ...changed(snapshot, change), ...claimed(asking.who, snapshot, change) }
    const { name = snapshot.name } = patch
    if (name !== snapshot.name) {
      await mustBeFree(change.nameRule, "snapshot", name, async () => {
        const { sourceKind: kind, sourceId: id } = snapshot
        const machine = kind === "machine" ? await rooms.machines.get(id) : undefined
        return await rooms.snapshots.find(namesakes(id, machine ?? null, name))
      })
    }
    const fields = Object.keys(patch)
    if (fields.length > 0) await rooms.snapshots.change(id, patch)
    return { resource: { ...snapshot, ...patch }, accountId, fields }
  })
  if (!row.ok) return row
  return await attempt(() => viewOf(context, context.ledger.read, row.value))
}
