/** Questions about snapshots and their points that several rooms of the core ask. */
import type { Principal } from "../domain/account.ts"
import { Refusal } from "../domain/fault.ts"
import type { MachineId, SnapshotId, VolumeId } from "../domain/ids.ts"
import type { Machine } from "../domain/machine.ts"
import type { Point, Snapshot, SnapshotState } from "../domain/snapshot.ts"
import type { Rooms, Where } from "../ledger/ledger.ts"
import { every, everyOf } from "../operations/every.ts"
import { type SnapshotCapture, snapshotCapture } from "../operations/snapshot/capture.ts"
import { must, seen } from "./visible.ts"

/** A deleted snapshot is gone for everybody while its bytes are still going. */
export const shownStates = ["creating", "ready", "failed"] as const satisfies SnapshotState[]

/** Those of the states asked for that are shown; all of these where nothing is asked. */
export function stateIn(asked?: SnapshotState | readonly SnapshotState[]): SnapshotState[] {
  if (asked === undefined) return [...shownStates]
  const all = typeof asked === "string" ? [asked] : asked
  return shownStates.filter((state) => all.includes(state))
}

/**
 * Those of one source and name, where names are to be unique. A machine's snapshots are those of
 * its root volume, too, whoever took them; what reverts left takes no name from anybody.
 */
export const namesakes = (
  sourceId: string,
  machine: Pick<Machine, "rootVolumeId"> | null,
  name: string,
): Where<Snapshot> => ({
  sourceId: machine === null ? [sourceId] : [sourceId, machine.rootVolumeId],
  name,
  state: [...shownStates],
  recovery: false,
})

/** The sources that a machine stands on snapshots of; of one that there is not, itself alone. */
export async function lineage(
  rooms: { machines: Pick<Rooms["machines"], "get"> },
  id: MachineId,
): Promise<string[]> {
  const machine = await rooms.machines.get(id)
  return machine === undefined ? [id] : [id, machine.rootVolumeId]
}

/** As many as a machine can have disks. */
export const mostPoints = 16

type Reading = { [K in "snapshots" | "points"]: Pick<Rooms[K], "get" | "find"> }

export async function shownSnapshot(
  rooms: Reading,
  who: Principal,
  id: SnapshotId,
): Promise<Snapshot> {
  const snapshot = must(seen(who, "snapshot", id, await rooms.snapshots.get(id)))
  if (snapshot.state === "deleting") throw new Refusal({ kind: "not-found", what: "snapshot", id })
  return snapshot
}

/** One still being taken is fine: whoever wants to use it waits behind it in its queue. */
export async function usableSnapshot(
  rooms: Reading,
  who: Principal,
  id: SnapshotId,
): Promise<Snapshot> {
  const snapshot = await shownSnapshot(rooms, who, id)
  if (snapshot.state === "failed") {
    const needs = ["ready"]
    throw new Refusal({ kind: "wrong-state", what: "snapshot", id, is: snapshot.state, needs })
  }
  return snapshot
}

/** Whether it has memory; of one still being taken, whether it is to have it. */
export async function keepsMemory(
  rooms: { operations: Pick<Rooms["operations"], "find"> },
  { id, state, memoryBytes }: Snapshot,
): Promise<boolean> {
  if (state !== "creating") return memoryBytes !== null
  const taking = await rooms.operations.find({ targetId: id }, { limit: 1 })
  return taking.some(
    ({ kind, params }) => kind === snapshotCapture.name && (params as SnapshotCapture).memory,
  )
}

/** The point of one volume; without saying which: the root's, or the only one there is. */
export async function readyPoint(
  rooms: Reading,
  who: Principal,
  id: SnapshotId,
  volumeId?: VolumeId,
): Promise<Point> {
  const snapshot = await usableSnapshot(rooms, who, id)
  const points = await rooms.points.find({ snapshotId: id })
  const of = volumeId ?? lostRoot(snapshot, points)
  const wanted =
    of === undefined
      ? (points.find((point) => point.role !== "extra") ?? points[0])
      : points.find((point) => point.volumeId === of)
  if (wanted !== undefined) return wanted
  throw new Refusal({ kind: "not-found", what: "point", id: of ?? id })
}

/** The root volume of a machine's snapshot from which that volume's part was removed. */
export function lostRoot(
  { machine }: Snapshot,
  points: readonly Pick<Point, "volumeId">[],
): VolumeId | undefined {
  const root = machine?.disks.find(({ role }) => role === "root")?.volumeId
  return points.some(({ volumeId }) => volumeId === root) ? undefined : root
}

export type Departing = {
  /** Every snapshot that covers the volume, or that was taken of the machine. */
  snapshots: SnapshotId[]
  /** Those of them that have no point left when it is gone. */
  wholly: SnapshotId[]
}

/** What goes along when a volume, or a machine with its root volume, goes: however much it is. */
export async function departing(
  rooms: Reading,
  of: { volumeId: VolumeId; machineId?: MachineId },
): Promise<Departing> {
  const ofVolume = await every(rooms.points, { volumeId: of.volumeId })
  const taken =
    of.machineId === undefined ? [] : await every(rooms.snapshots, { sourceId: of.machineId })
  const ofMachine = new Set(taken.map(({ id }) => id))
  const ids = [...new Set([...ofVolume.map((point) => point.snapshotId), ...ofMachine])]
  const staying = new Set<SnapshotId>()
  for (const { snapshotId, volumeId } of await everyOf(rooms.points, "snapshotId", ids)) {
    if (volumeId !== of.volumeId && !ofMachine.has(snapshotId)) staying.add(snapshotId)
  }
  const there = await everyOf(rooms.snapshots, "id", ids)
  const snapshots = there.flatMap(({ id, state }) => (state === "deleting" ? [] : [id]))
  return { snapshots, wholly: snapshots.filter((id) => !staying.has(id)) }
}
