/**
 * A snapshot. The user sees `creating`, then `ready`; a running guest sees its disks held still
 * for a few milliseconds, all at one instant. The engine keeps a point of each volume; whatever
 * dies meanwhile, either all points are recorded or the snapshot ends `failed` and holds nothing.
 */
import type { MachineId, PointId, SnapshotId, VolumeId } from "../../domain/ids.ts"
import type { Consistency, SnapshotSource } from "../../domain/snapshot.ts"
import type { SwitchFacts } from "../../hosts/host.ts"
import type { Rooms } from "../../ledger/ledger.ts"
import { takePoints, untakePoints, type WantedPoint } from "../points.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type SnapshotCreate = {
  snapshotId: SnapshotId
  source: SnapshotSource
  points: readonly WantedPoint[]
}

export const snapshotCreate = saga<Tools, SnapshotCreate>("snapshot-create", 1).step<
  "take",
  Consistency
>("take", {
  async do(tools, { points }) {
    const facts: SwitchFacts[] = []
    for (const [machineId, ofMachine] of await byMachine(tools, points)) {
      facts.push(await takePoints(tools, machineId, ofMachine))
    }
    const longest = (times: number[]) => Math.round(Math.max(...times) * 1000) / 1000
    const pauseMs = longest(facts.map((fact) => fact.pauseMs))
    const skewMs = longest(facts.map((fact) => fact.skewMs))
    return { label: "crash", pauseMs, freezeMs: 0, skewMs, note: null }
  },
  record: (rooms, { snapshotId, source, points, output }) =>
    publish(rooms, { snapshotId, source, volumeIds: volumesOf(points), consistency: output }),
  async undo(tools, { points }) {
    for (const [machineId, ofMachine] of await byMachine(tools, points)) {
      await untakePoints(tools, machineId, ofMachine)
    }
  },
  async unrecord(rooms, { snapshotId, points, reason }) {
    for (const { pointId } of points) await rooms.points.remove(pointId)
    const row = await rooms.snapshots.get(snapshotId)
    if (row?.state !== "creating") return
    await rooms.snapshots.change(snapshotId, { state: "failed", reason })
    await tellOf(rooms, snapshotId, "snapshot.failed")
  },
})

const volumesOf = (points: readonly { volumeId: VolumeId }[]) => points.map((p) => p.volumeId)

/** Which machine has each volume now: it may have been attached or detached while this waited. */
async function byMachine(
  tools: Tools,
  points: readonly WantedPoint[],
): Promise<Map<MachineId | null, WantedPoint[]>> {
  const owners = new Map<PointId, MachineId | null>()
  for (const { pointId, volumeId } of points) {
    owners.set(pointId, (await tools.read.volumes.get(volumeId))?.machineId ?? null)
  }
  return Map.groupBy(points, ({ pointId }) => owners.get(pointId) ?? null)
}

/** The snapshot is there: what its source's head now stands on, and a child of what it stood on. */
export async function publish(
  rooms: Rooms,
  snapshot: {
    snapshotId: SnapshotId
    source: SnapshotSource
    volumeIds: readonly VolumeId[]
    consistency: Consistency
  },
): Promise<void> {
  const { snapshotId, source, volumeIds, consistency } = snapshot
  const row = await rooms.snapshots.get(snapshotId)
  if (row === undefined) throw new Error(`snapshot ${snapshotId} is not on record`)
  await rooms.snapshots.change(snapshotId, {
    // One that was deleted while it was being taken stays deleted; its bytes go next.
    state: row.state === "deleting" ? "deleting" : "ready",
    consistency,
    parentId: await rooms.standing.get(source.id),
    readyAt: Date.now(),
  })
  if (row.state === "deleting") return
  for (const id of new Set([source.id, ...volumeIds])) await rooms.standing.set(id, snapshotId)
  await tellOf(rooms, snapshotId, "snapshot.ready")
}

async function tellOf(rooms: Rooms, id: SnapshotId, type: string): Promise<void> {
  const row = await rooms.snapshots.get(id)
  if (row === undefined) return
  await rooms.events.add({
    at: Date.now(),
    accountId: row.accountId,
    type,
    resourceKind: "snapshot",
    resourceId: id,
    data: { name: row.name, sourceKind: row.sourceKind, sourceId: row.sourceId },
  })
}
