/**
 * A machine gets more or less memory and processors. One that is off finds them when it is started
 * next; a running one is switched off by its guest, changed, and is done when its guest answers
 * again. One that does not come up with what it was given gets back what it had, and is started
 * with that. Its type and processor model stay: they are what a guest must not see change.
 */
import { Refusal } from "../../domain/fault.ts"
import type { MachineId } from "../../domain/ids.ts"
import type { Hardware } from "../../domain/machine.ts"
import { changeUnlessLeaving } from "../leaving.ts"
import {
  awaitAnswer,
  livenessOf,
  machineOf,
  recordOff,
  recordOn,
  type Started,
  turnOff,
  turnOn,
} from "../power.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type MachineResize = {
  machineId: MachineId
  /** Null: as it is. */
  memoryMiB: number | null
  cpus: number | null
  /** A running machine may be switched off for it. */
  restart: boolean
}

type Before = { wasOn: boolean; hardware: Hardware }

export const machineResize = saga<Tools, MachineResize>("machine-resize", 1)
  .step<"before", Before>("before", {
    async do(tools, { machineId: id, restart }) {
      const { hardware, state } = await machineOf(tools, id)
      const wasOn = (await livenessOf(tools, id)) !== "gone"
      if (wasOn && !restart) {
        // It was on its way to be off when this was accepted, and did not get there.
        throw new Refusal({
          kind: "wrong-state",
          what: "machine",
          id,
          is: state,
          needs: ["stopped"],
        })
      }
      return { wasOn, hardware }
    },
  })
  .step("off", {
    async do(tools, { machineId, before }) {
      if (before.wasOn) await turnOff(tools, machineId, tools.limits.powerOffMs)
    },
    async record(rooms, { machineId, before }) {
      if (before.wasOn) await recordOff(rooms, machineId)
    },
    undo: async (tools, { machineId, before }): Promise<Started | null> =>
      before.wasOn ? await turnOn(tools, machineId) : null,
    async unrecord(rooms, { machineId, undone }) {
      if (undone !== null) await recordOn(rooms, machineId, undone as Started)
    },
  })
  .step("change", {
    record: (rooms, { machineId, before: { hardware }, memoryMiB, cpus }) =>
      changeUnlessLeaving(rooms.machines, machineId, {
        hardware: {
          ...hardware,
          memoryMiB: memoryMiB ?? hardware.memoryMiB,
          cpus: cpus ?? hardware.cpus,
        },
      }),
    unrecord: (rooms, { machineId, before: { hardware } }) =>
      changeUnlessLeaving(rooms.machines, machineId, { hardware }),
  })
  .step<"start", Started | null>("start", {
    do: async (tools, { machineId, before }) =>
      before.wasOn ? await turnOn(tools, machineId) : null,
    async record(rooms, { machineId, output }) {
      if (output !== null) await recordOn(rooms, machineId, output)
    },
    async undo(tools, { machineId, before }) {
      if (before.wasOn) await turnOff(tools, machineId, 0)
    },
    async unrecord(rooms, { machineId, before }) {
      if (before.wasOn) await recordOff(rooms, machineId)
    },
  })
  .step("answer", {
    weight: 6,
    async do(tools, { machineId, before }) {
      if (before.wasOn) await awaitAnswer(tools, machineId)
    },
  })
