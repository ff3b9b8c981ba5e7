/**
 * What goes along with a volume or a machine. It was worked out when the request was accepted;
 * operations queued before it may have added to it since, such as a revert's recovery snapshot.
 */
import type { MachineId, PointId, SnapshotId, VolumeId } from "../domain/ids.ts"
import type { ReadRooms, Rooms } from "../ledger/ledger.ts"
import { every, everyOf } from "./every.ts"

type Leaving = { volumeId: VolumeId; machineId?: MachineId }
type Reading = Pick<ReadRooms, "points" | "snapshots">

export async function pointsLeaving(
  rooms: Reading,
  { volumeId, machineId }: Leaving,
): Promise<{ pointId: PointId; engine: string; snapshotId: SnapshotId }[]> {
  const points = await every(rooms.points, { volumeId })
  const taken = machineId === undefined ? [] : await every(rooms.snapshots, { sourceId: machineId })
  const ofMachine = await everyOf(
    rooms.points,
    "snapshotId",
    taken.map(({ id }) => id),
  )
  const all = new Map([...points, ...ofMachine].map((point) => [point.id, point]))
  return [...all.values()].map(({ id, engine, snapshotId }) => ({
    pointId: id,
    engine,
    snapshotId,
  }))
}

/** Their rows, and those of the snapshots that have nothing left. */
export async function forgetLeaving(rooms: Rooms, leaving: Leaving): Promise<void> {
  const points = await pointsLeaving(rooms, leaving)
  for (const { pointId } of points) await rooms.points.remove(pointId)
  for (const snapshotId of new Set(points.map((point) => point.snapshotId))) {
    if ((await rooms.points.count({ snapshotId })) === 0) await rooms.snapshots.remove(snapshotId)
  }
  const { machineId } = leaving
  if (machineId === undefined) return
  for (const { id } of await every(rooms.snapshots, { sourceId: machineId })) {
    await rooms.snapshots.remove(id)
  }
}
