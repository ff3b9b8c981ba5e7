/** Which disks a machine is to have when it goes back to a snapshot, and what became of the rest. */
import type { Principal } from "../domain/account.ts"
import { newId, type SnapshotId, type VolumeId } from "../domain/ids.ts"
import type { Point, Snapshot } from "../domain/snapshot.ts"
import type { Volume } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { Arranging, StandIn } from "../operations/machine/arrange.ts"
import type { Context } from "./context.ts"
import type { MachineView } from "./core.ts"
import { keepsMemory, usableSnapshot } from "./snapshot-rows.ts"
import { mine } from "./visible.ts"

type DiskPlan = {
  /** Null unless the guest goes on from its memory. */
  arranging: Arranging | null
  notes: string[]
  /** Those that may go back: the machine's, and those that it is to have again. */
  volumes: Volume[]
}

/**
 * A memory needs every disk in its place. Without one only the volumes that the machine has now
 * go back; those that came since are left as they are, those that left since are left alone.
 * Where the root volume alone is wanted, all others are left as they are.
 */
export async function planDisks(
  rooms: Rooms,
  { clock }: Pick<Context, "clock">,
  who: Principal,
  wish: { machine: MachineView; snapshotId: SnapshotId; goesOn: boolean; rootOnly: boolean },
): Promise<DiskPlan> {
  const { machine, snapshotId, goesOn, rootOnly } = wish
  const snapshot = await usableSnapshot(rooms, who, snapshotId)
  if (rootOnly) return rootAlone(machine)
  const described = snapshot.machine?.disks ?? []
  const points = new Map(
    (await rooms.points.find({ snapshotId })).map((point) => [point.volumeId, point]),
  )
  const lacking = described.filter(({ volumeId }) => !points.has(volumeId))
  const hasMemory = snapshot.sourceId === machine.id && (await keepsMemory(rooms, snapshot))
  if (!hasMemory || !goesOn || lacking.length > 0) {
    const notes = hasMemory && lacking.length > 0 && goesOn ? [cannotGoOn] : []
    notes.push(...(await comings(rooms, machine, described)), ...partings(machine, lacking))
    return { arranging: null, notes, volumes: machine.disks }
  }
  const disks: Arranging["disks"][number][] = []
  const volumes = new Map(machine.disks.map((volume) => [volume.id, volume]))
  for (const { volumeId, slot } of described) {
    const volume = await rooms.volumes.get(volumeId)
    const point = points.get(volumeId)
    const free = volume?.machineId === machine.id || isFree(volume)
    if (volume !== undefined && free && mine(who, volume)) {
      volumes.set(volumeId, volume)
      disks.push({ volumeId, slot, standIn: null })
    } else if (point !== undefined) {
      disks.push({ volumeId, slot, standIn: standInFor(point, volume, snapshot, clock()) })
    }
  }
  const { accountId } = machine
  const stays = disks.filter(({ standIn }) => standIn === null).map(({ volumeId }) => volumeId)
  return {
    arranging: { snapshotId, accountId, disks },
    notes: [],
    // Given back as they are, and so not reverted.
    volumes: [...volumes.values()].filter(({ id }) => stays.includes(id)),
  }
}

function rootAlone({ disks }: MachineView): DiskPlan {
  const [volumes, others] = [
    disks.filter(({ role }) => role === "root"),
    disks.filter(({ role }) => role !== "root"),
  ]
  const notes = others.map(({ name }) => `extra volume ${name} was left as it is`)
  return { arranging: null, notes, volumes }
}

const isFree = (volume: Volume | undefined) =>
  volume?.machineId === null && volume.state === "available"

function standInFor(
  { id: pointId, engine, sizeBytes, volumeId }: Point,
  volume: Volume | undefined,
  { name }: Snapshot,
  nowMs: number,
): StandIn {
  const title = `${volume?.name ?? volumeId}-from-${name}`.slice(0, 255)
  return { volumeId: newId<"volume">(nowMs), name: title, engine, pointId, sizeBytes }
}

const cannotGoOn =
  "the snapshot's memory cannot go on, because a disk of it is gone since: the guest boots"

/** Disks that are there, and of which the snapshot has no part, or none any more. */
const partings = (machine: MachineView, lacking: readonly { volumeId: VolumeId }[]): string[] =>
  machine.disks
    .filter(({ id }) => lacking.some(({ volumeId }) => volumeId === id))
    .map(({ name }) => `volume ${name}, of which the snapshot holds nothing, was left as it is`)

async function comings(
  rooms: Rooms,
  machine: MachineView,
  described: readonly { volumeId: VolumeId }[],
): Promise<string[]> {
  if (described.length === 0) return []
  const known = new Set(described.map(({ volumeId }) => volumeId))
  const since = machine.disks.filter(({ id }) => !known.has(id))
  const here = new Set(machine.disks.map(({ id }) => id))
  const notes = since.map(({ name }) => `volume ${name}, attached since, was left as it is`)
  for (const { volumeId } of described.filter((disk) => !here.has(disk.volumeId))) {
    const name = (await rooms.volumes.get(volumeId))?.name ?? volumeId
    notes.push(`volume ${name}, detached since, was left alone`)
  }
  return notes
}
