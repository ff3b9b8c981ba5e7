/**
 * The disks of a machine as they were at a snapshot with memory. The guest that comes back knows
 * every disk by its slot, so each must be there: one that was detached since is attached again,
 * one that is gone, or that another machine has by now, is stood in for by a new volume with the
 * same bytes. One that was attached since is not known to that guest, and is given back.
 */

import { Refusal } from "../../domain/fault.ts"
import type { AccountId, MachineId, PointId, SnapshotId, VolumeId } from "../../domain/ids.ts"
import { noLabels } from "../../domain/labels.ts"
import type { Volume } from "../../domain/volume.ts"
import type { Rooms } from "../../ledger/ledger.ts"
import { changeUnlessLeaving } from "../leaving.ts"
import { disksOf } from "../power.ts"
import type { Tools } from "../tools.ts"
import { giveBack } from "./disks.ts"

export type StandIn = {
  volumeId: VolumeId
  name: string
  engine: string
  pointId: PointId
  sizeBytes: number
}

/** Worked out when the revert is accepted; all volumes named here are held by it. */
export type Arranging = {
  snapshotId: SnapshotId
  accountId: AccountId
  disks: readonly { volumeId: VolumeId; slot: number; standIn: StandIn | null }[]
}

export type Seat = Pick<Volume, "id" | "machineId" | "slot" | "state">
export type Arranged = { givenBack: VolumeId[]; notes: string[] }

/** Where every volume that is to move is now, for taking it back. */
export async function seatsBefore(
  tools: Tools,
  machineId: MachineId,
  arranging: Arranging | null,
): Promise<Seat[]> {
  if (arranging === null) return []
  return [...(await seated(tools, machineId, arranging)).values()].map(
    ({ id, machineId, slot, state }) => ({ id, machineId, slot, state }),
  )
}

export async function arrange(
  tools: Tools,
  machineId: MachineId,
  arranging: Arranging | null,
): Promise<Arranged> {
  if (arranging === null) return { givenBack: [], notes: [] }
  const { disks } = arranging
  for (const { standIn } of disks) {
    if (standIn === null) continue
    const { engine, pointId, sizeBytes } = standIn
    await tools.engine(engine).createHead(standIn.volumeId, { sizeBytes, point: pointId })
  }
  const rows = await seated(tools, machineId, arranging)
  for (const { volumeId, standIn } of disks) {
    if (standIn !== null) continue
    const row = rows.get(volumeId)
    if (row === undefined || !canBeSeated(row, machineId)) throw notToBeHad(volumeId, row)
  }
  const stays = new Set(disks.flatMap(({ volumeId, standIn }) => (standIn ? [] : [volumeId])))
  const leaving = [...rows.values()].filter(({ id, role }) => role === "extra" && !stays.has(id))
  return {
    givenBack: leaving.map(({ id }) => id),
    notes: notesOf(arranging, rows, leaving),
  }
}

/** Somebody may have deleted or attached it while the revert waited for its turn. */
const canBeSeated = ({ machineId, state }: Volume, wantedBy: MachineId) =>
  machineId === wantedBy ? state === "in-use" : machineId === null && state === "available"

const notToBeHad = (id: VolumeId, row: Volume | undefined) =>
  new Refusal({
    kind: "wrong-state",
    what: "volume",
    id,
    is: row === undefined ? "gone" : row.state,
    needs: ["free, as it was when the revert was asked for"],
  })

/** The volumes that the machine has, and those that it is to have again. */
async function seated(tools: Tools, machineId: MachineId, { disks }: Arranging) {
  const rows = new Map((await disksOf(tools, machineId)).map((volume) => [volume.id, volume]))
  for (const { volumeId, standIn } of disks) {
    const row = standIn === null ? await tools.read.volumes.get(volumeId) : undefined
    if (row !== undefined) rows.set(volumeId, row)
  }
  return rows
}

function notesOf(
  { disks }: Arranging,
  rows: ReadonlyMap<VolumeId, Volume>,
  leaving: readonly Volume[],
): string[] {
  const back = disks.flatMap(({ volumeId, standIn }) => {
    if (standIn !== null) {
      return [`volume ${standIn.name} stands in for volume ${volumeId}, which cannot be had`]
    }
    const row = rows.get(volumeId)
    return row?.machineId === null ? [`volume ${row.name}, detached since, is attached again`] : []
  })
  return [...leaving.map(({ name }) => `volume ${name}, attached since, was given back`), ...back]
}

export async function recordArranged(
  rooms: Rooms,
  machineId: MachineId,
  arranging: Arranging | null,
  { givenBack }: Arranged,
): Promise<void> {
  if (arranging === null) return
  for (const volumeId of givenBack) await giveBack(rooms, { machineId, volumeId })
  for (const { volumeId, slot, standIn } of arranging.disks) {
    const row = standIn === null ? await rooms.volumes.get(volumeId) : undefined
    if (row !== undefined && canBeSeated(row, machineId)) {
      await rooms.volumes.change(volumeId, { machineId, slot, state: "in-use" })
    }
    if (standIn !== null)
      await rooms.volumes.add(await rowOf(rooms, machineId, slot, arranging, standIn))
  }
}

async function rowOf(
  rooms: Rooms,
  machineId: MachineId,
  slot: number,
  { accountId, snapshotId }: Arranging,
  standIn: StandIn,
): Promise<Volume> {
  const machine = await rooms.machines.get(machineId)
  return {
    id: standIn.volumeId,
    accountId,
    node: machine?.node ?? "",
    engine: standIn.engine,
    name: standIn.name,
    sizeBytes: standIn.sizeBytes,
    state: "in-use",
    machineId,
    role: "extra",
    slot,
    fromImageId: null,
    fromVolumeId: null,
    claim: null,
    type: null,
    ...noLabels,
    fromSnapshotId: snapshotId,
    fromPointId: standIn.pointId,
    reason: null,
    createdAt: Date.now(),
  }
}

export async function unarrange(tools: Tools, arranging: Arranging | null): Promise<void> {
  for (const { standIn } of arranging?.disks ?? []) {
    if (standIn !== null) await tools.engine(standIn.engine).dropHead(standIn.volumeId)
  }
}

export async function unrecordArranged(
  rooms: Rooms,
  arranging: Arranging | null,
  seats: readonly Seat[],
): Promise<void> {
  for (const { standIn } of arranging?.disks ?? []) {
    if (standIn !== null) await rooms.volumes.remove(standIn.volumeId)
  }
  for (const { id, machineId, slot, state } of seats) {
    await changeUnlessLeaving(rooms.volumes, id, { machineId, slot, state })
  }
}
