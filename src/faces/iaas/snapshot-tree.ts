/**
 * The snapshots of a machine, as this API has them: all that cover its root volume, whichever way
 * they were taken, but none that failed and none that a revert kept for itself. They are a tree,
 * and the machine stands on one of them.
 */
import type { Core, MachineView, SnapshotView } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { no, ok, type Result } from "../../domain/fault.ts"
import type { MachineId, SnapshotId } from "../../domain/ids.ts"
import type { SnapshotSource } from "../../domain/snapshot.ts"
import type { SnapshotInTree } from "./wire/snapshot.ts"

const pageSize = 1000

/** Oldest first. */
export async function machineSnapshots(
  core: Core,
  who: Principal,
  { id, rootVolumeId }: MachineView,
): Promise<Result<SnapshotInTree[]>> {
  const ofMachine = await allOf(core, who, { kind: "machine", id })
  if (!ofMachine.ok) return ofMachine
  const ofRoot = await allOf(core, who, { kind: "volume", id: rootVolumeId })
  if (!ofRoot.ok) return ofRoot
  const covering = [...ofMachine.value, ...ofRoot.value].filter(({ points }) =>
    points.some(({ volumeId }) => volumeId === rootVolumeId),
  )
  return ok(asTree(covering.sort((a, b) => (a.id < b.id ? -1 : 1))))
}

export async function machineSnapshot(
  core: Core,
  who: Principal,
  machine: MachineId,
  id: SnapshotId,
): Promise<Result<SnapshotInTree>> {
  const found = await core.machines.get(who, machine)
  if (!found.ok) return found
  const all = await machineSnapshots(core, who, found.value)
  if (!all.ok) return all
  const one = all.value.find(({ snapshot }) => snapshot.id === id)
  return one === undefined ? no({ kind: "not-found", what: "snapshot", id }) : ok(one)
}

async function allOf(
  core: Core,
  who: Principal,
  source: SnapshotSource,
): Promise<Result<SnapshotView[]>> {
  const all: SnapshotView[] = []
  for (;;) {
    const page = { limit: pageSize, ...(all.length > 0 ? { after: all.at(-1)?.id ?? "" } : {}) }
    const state = ["creating", "ready"] as const
    // The administrator finds a machine by its id wherever it is, and so what is of it.
    const of = { source, allAccounts: who.everywhere }
    const found = await core.snapshots.list(who, { ...page, ...of, state, recovery: false })
    if (!found.ok) return found
    all.push(...found.value)
    if (found.value.length < pageSize) return ok(all)
  }
}

function asTree(snapshots: readonly SnapshotView[]): SnapshotInTree[] {
  const shown = new Set(snapshots.map(({ id }) => id))
  const parents = new Map(
    snapshots.map(({ id, parentId }) => [
      id,
      parentId !== null && shown.has(parentId) ? parentId : null,
    ]),
  )
  const children = Map.groupBy(snapshots, ({ id }) => parents.get(id) ?? null)
  const current = currentOf(snapshots)
  return snapshots.map((snapshot) => ({
    snapshot,
    isCurrent: snapshot.id === current,
    parentId: parents.get(snapshot.id) ?? null,
    childIds: (children.get(snapshot.id) ?? []).map(({ id }) => id),
  }))
}

/** The root volume's own standing is newer than its machine's, where they differ. */
function currentOf(snapshots: readonly SnapshotView[]): SnapshotId | undefined {
  const current = snapshots.filter((snapshot) => snapshot.current)
  return (current.find(({ sourceKind }) => sourceKind === "volume") ?? current[0])?.id
}
