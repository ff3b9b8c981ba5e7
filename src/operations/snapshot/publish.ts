/** What the ledger says of a snapshot once it is there, or once it is sure that it will not be. */
import type { MachineId, PointId, SnapshotId, VolumeId } from "../../domain/ids.ts"
import type { MachineDescription } from "../../domain/machine.ts"
import type { Consistency, Snapshot, SnapshotSource } from "../../domain/snapshot.ts"
import type { Rooms } from "../../ledger/ledger.ts"
import { standers } from "../standing.ts"
import { type Replacing, replaceOldest } from "./replace.ts"

/**
 * The snapshot is there: what its source's head now stands on, and a child of what it stood on.
 * Those that it replaces are gone.
 */
export async function publish(
  rooms: Rooms,
  snapshot: {
    snapshotId: SnapshotId
    source: SnapshotSource
    points: readonly { volumeId: VolumeId }[]
    consistency: Consistency
    memoryBytes: number | null
    replaces?: Replacing | undefined
  },
): Promise<void> {
  const { snapshotId, source, points, consistency, memoryBytes, replaces } = snapshot
  const row = await rooms.snapshots.get(snapshotId)
  if (row === undefined) throw new Error(`snapshot ${snapshotId} is not on record`)
  await rooms.snapshots.change(snapshotId, {
    // One that was deleted while it was being taken stays deleted; its bytes go next.
    state: row.state === "deleting" ? "deleting" : "ready",
    consistency,
    memoryBytes,
    machine: row.machine && (await asItIsNow(rooms, row.sourceId as MachineId, row.machine)),
    parentId: await rooms.standing.get(source.id),
    readyAt: Date.now(),
  })
  if (row.state === "deleting") return
  const volumes = points.map(({ volumeId }) => volumeId)
  for (const id of await standers(rooms, source.id, volumes))
    await rooms.standing.set(id, snapshotId)
  await tell(rooms, row, "snapshot.ready")
  if (replaces !== undefined) await replaceOldest(rooms, row, replaces)
}

/** Its hardware may have been settled only by its first start, while the snapshot waited for it. */
async function asItIsNow(
  rooms: Rooms,
  id: MachineId,
  described: MachineDescription,
): Promise<MachineDescription> {
  const machine = await rooms.machines.get(id)
  if (machine === undefined) return described
  const { hardware, process, state } = machine
  const accelerator = process?.accelerator ?? null
  return { ...described, hardware, accelerator, running: state === "running" }
}

/** It failed: a row with a reason, holding nothing. */
export async function unpublish(
  rooms: Rooms,
  snapshot: { snapshotId: SnapshotId; points: readonly { pointId: PointId }[]; reason: string },
): Promise<void> {
  const { snapshotId, points, reason } = snapshot
  for (const { pointId } of points) await rooms.points.remove(pointId)
  const row = await rooms.snapshots.get(snapshotId)
  if (row?.state !== "creating") return
  await rooms.snapshots.change(snapshotId, { state: "failed", reason })
  await tell(rooms, row, "snapshot.failed")
}

export async function tell(
  rooms: Pick<Rooms, "events">,
  { id, accountId, name, sourceKind, sourceId }: Snapshot,
  type: string,
): Promise<void> {
  await rooms.events.add({
    at: Date.now(),
    accountId,
    type,
    resourceKind: "snapshot",
    resourceId: id,
    data: { name, sourceKind, sourceId },
  })
}
