/**
 * Heads go back to a snapshot's points, and what they held becomes a recovery snapshot: a revert
 * destroys nothing. Shared by the reverts of machines and of single volumes.
 */
import { Refusal } from "../domain/fault.ts"
import type { AccountId, PointId, SnapshotId, VolumeId } from "../domain/ids.ts"
import { noLabels } from "../domain/labels.ts"
import type { MachineDescription } from "../domain/machine.ts"
import type { Snapshot, SnapshotSource } from "../domain/snapshot.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { standers } from "./standing.ts"
import type { Tools } from "./tools.ts"

export type Reverting = {
  snapshotId: SnapshotId
  source: SnapshotSource
  accountId: AccountId
  volumes: readonly {
    volumeId: VolumeId
    engine: string
    /** Where the head goes, and the point that keeps what it held. */
    to: PointId
    keep: PointId
    sizeBytes: number
    role: "root" | "extra" | "volume"
  }[]
  recovery: { snapshotId: SnapshotId; name: string; expiresAt: number | null } | null
}

/** It may have failed while the revert waited behind it. */
export async function mustBeTaken(
  tools: Tools,
  { snapshotId: id }: Pick<Reverting, "snapshotId">,
): Promise<Snapshot> {
  const snapshot = await tools.read.snapshots.get(id)
  if (snapshot === undefined) throw new Refusal({ kind: "not-found", what: "snapshot", id })
  const { state } = snapshot
  // One deleted since still has its points, for as long as this holds it.
  if (state === "ready" || state === "deleting") return snapshot
  throw new Refusal({ kind: "wrong-state", what: "snapshot", id, is: state, needs: ["ready"] })
}

export async function revertHeads(tools: Tools, { volumes }: Reverting): Promise<void> {
  for (const { engine, volumeId, to, keep } of volumes) {
    await tools.engine(engine).revertHead(volumeId, to, keep)
  }
}

export async function unrevertHeads(tools: Tools, { volumes }: Reverting): Promise<void> {
  for (const { engine, volumeId, keep } of volumes) {
    await tools.engine(engine).unrevertHead(volumeId, keep)
  }
}

/**
 * The recovery snapshot is on record and the heads stand on the snapshot they went back to.
 * `machine`: as it was until now, where one is reverted; whoever regrets it finds that too.
 */
export async function recordReverted(
  rooms: Rooms,
  reverting: Reverting,
  machine: MachineDescription | null,
): Promise<void> {
  const { snapshotId, source, accountId, volumes, recovery } = reverting
  if (recovery !== null) {
    const now = Date.now()
    await rooms.snapshots.add({
      id: recovery.snapshotId,
      accountId,
      name: recovery.name,
      state: "ready",
      sourceKind: source.kind,
      sourceId: source.id,
      parentId: await rooms.standing.get(source.id),
      consistency: { label: "crash", pauseMs: 0, freezeMs: 0, skewMs: 0, note: null },
      machine,
      claim: null,
      memoryBytes: null,
      ...noLabels,
      recovery: true,
      expiresAt: recovery.expiresAt,
      reason: null,
      createdAt: now,
      readyAt: now,
    })
    for (const { volumeId, engine, keep, sizeBytes, role } of volumes) {
      const of = { accountId, snapshotId: recovery.snapshotId, volumeId, engine }
      await rooms.points.add({ id: keep, ...of, sizeBytes, role })
    }
  }
  const stand = await livingOf(rooms, snapshotId)
  for (const id of await standing(rooms, reverting)) await rooms.standing.set(id, stand)
}

/** What the source and each of its volumes stood on, kept in the log for going back to. */
export type Stood = Record<string, SnapshotId | null>

export async function stoodBefore(tools: Tools, reverting: Reverting): Promise<Stood> {
  const stood: Stood = {}
  for (const id of await standing(tools.read, reverting))
    stood[id] = await tools.read.standing.get(id)
  return stood
}

const standing = (rooms: Parameters<typeof standers>[0], { source, volumes }: Reverting) =>
  standers(
    rooms,
    source.id,
    volumes.map((volume) => volume.volumeId),
  )

/** Takes back what `recordReverted` wrote, if it did. */
export async function unrecordReverted(
  rooms: Rooms,
  { volumes, recovery }: Reverting,
  stood: Stood,
): Promise<void> {
  if (recovery !== null) await rooms.snapshots.remove(recovery.snapshotId)
  for (const { keep } of volumes) await rooms.points.remove(keep)
  for (const [id, snapshot] of Object.entries(stood)) {
    await rooms.standing.set(id, snapshot === null ? null : await livingOf(rooms, snapshot))
  }
}

/** One deleted since is stood for by its parent, as for everybody else who stood on it. */
async function livingOf(rooms: Rooms, id: SnapshotId): Promise<SnapshotId | null> {
  const snapshot = await rooms.snapshots.get(id)
  if (snapshot?.state !== "deleting") return snapshot?.id ?? null
  return snapshot.parentId === null ? null : await livingOf(rooms, snapshot.parentId)
}

/** Without a recovery snapshot nobody can name what the heads held: its bytes are given up. */
export async function dropReplaced(tools: Tools, { volumes, recovery }: Reverting): Promise<void> {
  if (recovery !== null) return
  for (const { engine, keep } of volumes) await tools.engine(engine).dropPoint(keep)
}
