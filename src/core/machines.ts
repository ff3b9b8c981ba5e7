/** Machines: make, find, change, power, disks, revert, remove; and what is asked of their guests. */

import { attempt, type Result } from "../domain/fault.ts"
import type { MachineId } from "../domain/ids.ts"
import type { MachineState } from "../domain/machine.ts"
import type { ExecResult } from "../hosts/host.ts"
import { machineReboot, machineStart, machineStop } from "../operations/machine/power.ts"
import type { AnySaga } from "../operations/saga.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, Machines, MachineView, Started } from "./core.ts"
import { changeMachine } from "./machine-change.ts"
import { createMachine } from "./machine-create.ts"
import { attachVolume, detachVolume } from "./machine-disks.ts"
import {
  countMachines,
  deletedMachine,
  getMachine,
  listDeletedMachines,
  listMachines,
} from "./machine-list.ts"
import { removeMachine } from "./machine-remove.ts"
import { resizeMachine } from "./machine-resize.ts"
import { revertMachine } from "./machine-revert.ts"
import { mustSuit, planFor, viewOf } from "./machine-rules.ts"
import { once } from "./repeats.ts"
import { shownMachine } from "./shown.ts"
import { mayChange, must } from "./visible.ts"

const execLimits = { waitForAgentMs: 60_000, timeoutMs: 600_000, maxOutputBytes: 16 * 2 ** 20 }

const onOrOff = ["running", "stopped"] as const

export const openMachines = (context: Context): Machines => ({
  create: (asking, wish) => createMachine(context, asking, wish),
  get: (who, id) => getMachine(context, who, id),
  list: (who, listing) => listMachines(context, who, listing),
  count: (who, listing) => countMachines(context, who, listing),
  deleted: (who, id) => deletedMachine(context, who, id),
  listDeleted: (who, { limit }) => listDeletedMachines(context, who, limit),
  change: (asking, id, change) => changeMachine(context, asking, id, change),
  resize: (asking, id, wish) => resizeMachine(context, asking, id, wish),
  start: (asking, id) => power(context, asking, id, { saga: machineStart, needs: onOrOff }),
  stop: (asking, id, { hard }) =>
    power(context, asking, id, { saga: machineStop, needs: onOrOff, params: { hard } }),
  reboot: (asking, id, { hard } = { hard: false }) =>
    power(context, asking, id, { saga: machineReboot, needs: ["running"], params: { hard } }),
  remove: (asking, id) => removeMachine(context, asking, id),
  attach: (asking, id, volumeId) => attachVolume(context, asking, id, volumeId),
  detach: (asking, id, volumeId, how) => detachVolume(context, asking, id, volumeId, how),
  revert: (asking, id, wish) => revertMachine(context, asking, id, wish),
  exec: (asking, id, wish) => execIn(context, asking, id, wish),
  console: (who, id, lastBytes) =>
    attempt(async () => {
      const machine = await shownMachine(context.ledger.read, who, id)
      return await context.host(machine.kind).console(id, lastBytes)
    }),
})

type ExecWish = Parameters<Machines["exec"]>[2]

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
