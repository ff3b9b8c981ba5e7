/**
 * Which snapshots are of a server, and which of them hangs on which. All that cover its own disk
 * are, whoever made them. Those that a restore keeps by itself are not shown here: what hangs on
 * one of them is shown as hanging on the nearest that is.
 */
import type { Core, MachineView, SnapshotView } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { no, ok, type Result } from "../../domain/fault.ts"
import type { SnapshotId } from "../../domain/ids.ts"
import type { Snapshot } from "../../domain/snapshot.ts"
import { wholeList } from "./pages.ts"
import type { Shown } from "./wire/snapshot.ts"
import { dressed, undressed } from "./wire/snapshot-id.ts"

/** What is asked: by whom, about which server. */
export type Family = { core: Core; who: Principal; server: MachineView }

/** Those that are there or on their way, oldest first. */
export async function snapshotsOf(family: Family): Promise<Result<Shown[]>> {
  const { core, who, server } = family
  const state = ["creating", "ready"] as const
  // The administrator finds a server by its id wherever it is, and so what is of it.
  const of = { volumeId: server.rootVolumeId, allAccounts: who.everywhere }
  const points = await wholeList(
    (page) => core.snapshots.points(who, { ...of, state, ...page }),
    ({ point }) => point.id,
  )
  if (!points.ok) return points
  const all = points.value.map(({ snapshot }) => snapshot)
  const known = new Map<SnapshotId, Snapshot>(all.map((one) => [one.id, one]))
  const shown: Shown[] = []
  for (const snapshot of all) {
    shown.push({ snapshot, parentId: await parentOf(family, snapshot, known) })
  }
  return ok(shown)
}

/** By the id that this API gave it, or by the one it has everywhere else. */
export async function snapshotOf(
  family: Family,
  given: string,
): Promise<Result<SnapshotView & Pick<Shown, "parentId">>> {
  const { core, who, server } = family
  const unknown = no({ kind: "not-found", what: "snapshot", id: given })
  const id = undressed(given)
  if (id === undefined) return unknown
  const found = await core.snapshots.get(who, id)
  if (!found.ok) return found.fault.kind === "not-found" ? unknown : found
  const snapshot = found.value
  const called = [snapshot.id, dressed(server.id, snapshot)]
  if (!isOf(server, snapshot) || !called.includes(given.toLowerCase() === id ? id : given)) {
    return unknown
  }
  return ok({ ...snapshot, parentId: await parentOf(family, snapshot, new Map()) })
}

/** One that failed covers nothing any more: it is its source's. */
function isOf(server: MachineView, { points, recovery, state, sourceId }: SnapshotView): boolean {
  if (recovery) return false
  const { id, rootVolumeId } = server
  if (state === "failed") return sourceId === id || sourceId === rootVolumeId
  return points.some(({ volumeId }) => volumeId === rootVolumeId)
}

/** Of a chain of hidden ones, longer than any that restores leave behind. */
const mostHidden = 64

async function parentOf(
  { core, who, server }: Family,
  { parentId }: Snapshot,
  known: ReadonlyMap<SnapshotId, Snapshot>,
): Promise<SnapshotId | null> {
  let id = parentId
  for (let step = 0; id !== null && step < mostHidden; step += 1) {
    if (known.has(id)) return id
    const above = await core.snapshots.get(who, id)
    if (!above.ok) return null
    if (isOf(server, above.value)) return id
    id = above.value.parentId
  }
  return null
}
