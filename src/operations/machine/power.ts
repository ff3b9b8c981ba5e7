/** Start, stop and reboot: what a user does with a machine's power button, made durable. */
import type { MachineId } from "../../domain/ids.ts"
import {
  awaitAnswer,
  livenessOf,
  machineOf,
  provenLivenessOf,
  recordOff,
  recordOn,
  type Started,
  turnOff,
  turnOn,
} from "../power.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type MachineStart = { machineId: MachineId }

/** A machine that does not come up is turned off again, if it was this that turned it on. */
export const machineStart = saga<Tools, MachineStart>("machine-start", 1)
  .step<"wasOn", boolean>("wasOn", {
    // One that hangs is as good as off: starting it restarts it.
    do: async (tools, { machineId }) =>
      ["running", "paused"].includes(await provenLivenessOf(tools, machineId)),
  })
  .step<"start", Started>("start", {
    do: (tools, { machineId }) => turnOn(tools, machineId),
    record: (rooms, { machineId, output }) => recordOn(rooms, machineId, output),
    async undo(tools, { machineId, wasOn }) {
      if (!wasOn) await turnOff(tools, machineId, 0)
    },
    async unrecord(rooms, { machineId, wasOn }) {
      if (!wasOn) await recordOff(rooms, machineId)
    },
  })
  .step("answer", {
    weight: 6,
    do: (tools, { machineId }) => awaitAnswer(tools, machineId),
  })

export type MachineStop = { machineId: MachineId; hard: boolean }

/** There is nothing to take back: pulling the plug is what remains when all else fails. */
export const machineStop = saga<Tools, MachineStop>("machine-stop", 1).step("stop", {
  forwardOnly: true,
  do: (tools, { machineId, hard }) => turnOff(tools, machineId, hard ? 0 : tools.limits.powerOffMs),
  record: (rooms, { machineId }) => recordOff(rooms, machineId),
})

export type MachineReboot = { machineId: MachineId; hard?: boolean }

export const machineReboot = saga<Tools, MachineReboot>("machine-reboot", 1)
  .step("reboot", {
    async do(tools, { machineId, hard = false }) {
      const machine = await machineOf(tools, machineId)
      const host = tools.host(machine.kind)
      // Whoever wants it hard does not care what it may yet come to.
      const look = hard ? livenessOf : provenLivenessOf
      const liveness = await look(tools, machineId)
      // Its process may have ended while this waited in the queue: then rebooting is starting. One
      // that hangs takes no order any more, and is as good as off.
      if (liveness === "hung") await turnOff(tools, machineId, 0)
      else if (liveness !== "gone") {
        await host.reboot(machineId, hard ? 0 : tools.limits.powerOffMs)
      }
    },
  })
  .step<"start", Started>("start", {
    do: (tools, { machineId }) => turnOn(tools, machineId),
    record: (rooms, { machineId, output }) => recordOn(rooms, machineId, output),
  })
  .step("answer", {
    weight: 6,
    do: (tools, { machineId }) => awaitAnswer(tools, machineId),
  })
