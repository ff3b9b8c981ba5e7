/** Machines: make, find, power, disks, revert, remove; and what is asked of their guests. */

import type { Principal } from "../domain/account.ts"
import { attempt, Refusal, type Result } from "../domain/fault.ts"
import type { MachineId } from "../domain/ids.ts"
import type { MachineState } from "../domain/machine.ts"
import type { Volume } from "../domain/volume.ts"
import type { ExecResult } from "../hosts/host.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { Arranging } from "../operations/machine/arrange.ts"
import { machineDelete } from "../operations/machine/delete.ts"
import { machineReboot, machineStart, machineStop } from "../operations/machine/power.ts"
import { machineRevert } from "../operations/machine/revert.ts"
import type { AnySaga } from "../operations/saga.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, Listing, Machines, MachineView, Started } from "./core.ts"
import { createMachine } from "./machine-create.ts"
import { attachVolume, detachVolume } from "./machine-disks.ts"
import { mustSuit, planFor, viewOf } from "./machine-rules.ts"
import { mustFit, smallBytes } from "./quota.ts"
import { once } from "./repeats.ts"
import { planDisks } from "./revert-disks.ts"
import { planReverting } from "./reverting.ts"
import { shownMachine } from "./shown.ts"
import { bury, departing } from "./snapshot-rows.ts"
import { mayChange, must, scopeOf } from "./visible.ts"

const execLimits = { waitForAgentMs: 60_000, timeoutMs: 600_000, maxOutputBytes: 16 * 2 ** 20 }

const onOrOff = ["running", "stopped"] as const

export const openMachines = (context: Context): Machines => ({
  create: (asking, wish) => createMachine(context, asking, wish),
  get: (who, id) =>
    attempt(async () => {
      const { read } = context.ledger
      const machine = await viewOf(read, await shownMachine(read, who, id))
      const onDisk = (await context.capacity.diskUsage.now()).volumes
      const weighed = (disk: Volume) => ({ ...disk, physicalBytes: onDisk.get(disk.id) ?? 0 })
      return { ...machine, disks: machine.disks.map(weighed) }
    }),
  list: (who, listing) => listMachines(context, who, listing),
  start: (asking, id) => power(context, asking, id, { saga: machineStart, needs: onOrOff }),
  stop: (asking, id, { hard }) =>
    power(context, asking, id, { saga: machineStop, needs: onOrOff, params: { hard } }),
  reboot: (asking, id) => power(context, asking, id, { saga: machineReboot, needs: ["running"] }),
  remove: (asking, id) => removeMachine(context, asking, id),
  attach: (asking, id, volumeId) => attachVolume(context, asking, id, volumeId),
  detach: (asking, id, volumeId) => detachVolume(context, asking, id, volumeId),
  revert: (asking, id, wish) => revertMachine(context, asking, id, wish),
  exec: (asking, id, wish) => execIn(context, asking, id, wish),
  console: (who, id, lastBytes) =>
    attempt(async () => {
      const machine = await shownMachine(context.ledger.read, who, id)
      return await context.host(machine.kind).console(id, lastBytes)
    }),
})

type RevertWish = Parameters<Machines["revert"]>[2]
type ExecWish = Parameters<Machines["exec"]>[2]

function listMachines(
  { ledger }: Context,
  who: Principal,
  listing: Listing,
): Promise<Result<MachineView[]>> {
  return attempt(async () => {
    const { name } = listing
    const where = { ...must(scopeOf(who, listing)), ...(name === undefined ? {} : { name }) }
    const rows = await ledger.read.machines.find(where, listing)
    return await Promise.all(rows.map((row) => viewOf(ledger.read, row)))
  })
}

/** Start, stop and reboot differ in their saga, and in the states they make sense in. */
function power(
  context: Context,
  asking: Asking,
  id: MachineId,
  how: { saga: Pick<AnySaga, "name" | "version">; needs: readonly MachineState[]; params?: object },
): Promise<Result<Started<MachineView>>> {
  return accept(context, asking, {
    saga: how.saga,
    plan: async (rooms) => {
      const machine = await shownMachine(rooms, asking.who, id)
      await mustSuit(rooms, machine, how.needs)
      const resource = await viewOf(rooms, machine)
      return { ...planFor(resource), params: { machineId: id, ...how.params } }
    },
  })
}

function removeMachine(
  context: Context,
  asking: Asking,
  id: MachineId,
): Promise<Result<Started<MachineView>>> {
  return accept(context, asking, {
    saga: machineDelete,
    plan: async (rooms) => {
      const machine = await shownMachine(rooms, asking.who, id)
      if (machine.state === "deleting") {
        throw new Refusal({ kind: "not-found", what: "machine", id })
      }
      const { rootVolumeId } = machine
      const root = await rooms.volumes.get(rootVolumeId)
      const of = { volumeId: rootVolumeId, machineId: id }
      const { wholly } = await departing(rooms, of)
      for (const each of wholly) await bury(rooms, each)
      if (root !== undefined) await rooms.volumes.change(root.id, { state: "deleting" })
      await rooms.machines.change(id, { state: "deleting" })
      const resource = await viewOf(rooms, { ...machine, state: "deleting" })
      return {
        ...planFor(resource),
        holds: [...planFor(resource).holds, ...wholly],
        params: {
          machineId: id,
          rootVolumeId,
          engine: root?.engine ?? context.engineName,
        },
      }
    },
  })
}

function revertMachine(
  context: Context,
  asking: Asking,
  id: MachineId,
  { snapshotId, then: andThen = "as-before" }: RevertWish,
): Promise<Result<Started<MachineView>>> {
  return accept(context, asking, {
    saga: machineRevert,
    plan: async (rooms) => {
      const machine = await shownMachine(rooms, asking.who, id)
      await mustSuit(rooms, machine, ["running", "stopped"])
      const resource = await viewOf(rooms, machine)
      const source = { kind: "machine", id } as const
      const { arranging, notes, volumes } = await planDisks(rooms, context, asking.who, {
        machine: resource,
        snapshotId,
        goesOn: andThen !== "stop",
      })
      const wish = { who: asking.who, snapshotId, source, volumes }
      const reverting = await planReverting(rooms, context, wish)
      const hardware = (await rooms.snapshots.get(snapshotId))?.machine?.hardware ?? null
      await mustHaveRoomFor(rooms, context, resource, arranging)
      const standIns = arranging?.disks.flatMap(({ standIn }) => standIn?.volumeId ?? []) ?? []
      const then = arranging !== null && andThen === "as-before" ? "start" : andThen
      return {
        ...planFor(resource),
        holds: [
          ...planFor(resource).holds,
          ...volumes.map((volume) => volume.id),
          ...standIns,
          snapshotId,
        ],
        params: { machineId: id, reverting, hardware, andThen: then, arranging, notes },
      }
    },
  })
}

/** A volume that stands in for another is a new one. */
async function mustHaveRoomFor(
  rooms: Rooms,
  context: Context,
  { accountId }: MachineView,
  arranging: Arranging | null,
): Promise<void> {
  const sizes = arranging?.disks.flatMap(({ standIn }) => standIn?.sizeBytes ?? []) ?? []
  if (sizes.length === 0) return
  const takes = { volumes: sizes.length, logicalBytes: sizes.reduce((sum, one) => sum + one, 0) }
  await mustFit(rooms, context, { accountId, takes, bytes: sizes.length * smallBytes })
}

function execIn(
  context: Context,
  asking: Asking,
  id: MachineId,
  { argv, timeoutMs }: ExecWish,
): Promise<Result<ExecResult>> {
  return attempt(async () => {
    must(mayChange(asking.who))
    const { ledger } = context
    const machine = await shownMachine(ledger.read, asking.who, id)
    await mustSuit(ledger.read, machine, ["running"])
    const answer = await once(context, asking, async () => {
      const limits = { ...execLimits, ...(timeoutMs && { timeoutMs }) }
      const result = await context.host(machine.kind).exec(id, argv, limits)
      const { stdout, stderr } = result
      return { ...result, stdout: stdout.toString("base64"), stderr: stderr.toString("base64") }
    })
    const bytes = (text: string) => Buffer.from(text, "base64")
    return { ...answer, stdout: bytes(answer.stdout), stderr: bytes(answer.stderr) }
  })
}
