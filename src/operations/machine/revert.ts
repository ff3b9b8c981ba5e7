/**
 * A machine goes back to a snapshot. Its plug is pulled (what the guest had not written is part
 * of what is being given up), its heads grow anew on the snapshot's points, and the old heads are
 * kept as a recovery snapshot. Newer snapshots stay, as a branch. Ids and addresses stay too.
 * From a snapshot with memory the guest goes on as if nothing had happened since.
 */
import type { MachineId } from "../../domain/ids.ts"
import type { Hardware } from "../../domain/machine.ts"
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
import {
  dropReplaced,
  type Reverting,
  recordReverted,
  revertHeads,
  type Stood,
  stoodBefore,
  unrecordReverted,
  unrevertHeads,
} from "../revert.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"
import {
  type Arranged,
  type Arranging,
  arrange,
  recordArranged,
  type Seat,
  seatsBefore,
  unarrange,
  unrecordArranged,
} from "./arrange.ts"

export type MachineRevert = {
  machineId: MachineId
  reverting: Reverting
  /** As it was in the snapshot; null where the snapshot does not say. */
  hardware: Hardware | null
  andThen: "as-before" | "start" | "stop"
  /** The disks that the kept memory knows; null where none is to go on. */
  arranging: Arranging | null
  /** What a person should know of disks that came and went since. */
  notes: readonly string[]
}

type Before = { wasOn: boolean; stood: Stood; hardware: Hardware; seats: Seat[] }

const comesUp = (wasOn: boolean, andThen: MachineRevert["andThen"]) =>
  andThen === "start" || (andThen === "as-before" && wasOn)

export const machineRevert = saga<Tools, MachineRevert>("machine-revert", 1)
  .step<"before", Before>("before", {
    async do(tools, { machineId, reverting, arranging }) {
      const { hardware } = await machineOf(tools, machineId)
      const wasOn = (await livenessOf(tools, machineId)) !== "gone"
      const seats = await seatsBefore(tools, machineId, arranging)
      return { wasOn, hardware, seats, stood: await stoodBefore(tools, reverting) }
    },
  })
  .step("off", {
    do: (tools, { machineId }) => turnOff(tools, machineId, 0),
    record: (rooms, { machineId }) => recordOff(rooms, machineId),
    undo: async (tools, { machineId, before }): Promise<Started | null> =>
      before.wasOn ? await turnOn(tools, machineId) : null,
    async unrecord(rooms, { machineId, undone }) {
      if (undone !== null) await recordOn(rooms, machineId, undone as Started)
    },
  })
  .step<"arrange", Arranged>("arrange", {
    do: (tools, { machineId, arranging }) => arrange(tools, machineId, arranging),
    record: (rooms, { machineId, arranging, output }) =>
      recordArranged(rooms, machineId, arranging, output),
    undo: (tools, { arranging }) => unarrange(tools, arranging),
    unrecord: (rooms, { arranging, before }) => unrecordArranged(rooms, arranging, before.seats),
  })
  .step("revert", {
    do: (tools, { reverting }) => revertHeads(tools, reverting),
    async record(rooms, { machineId, reverting, hardware }) {
      await recordReverted(rooms, reverting)
      if (hardware !== null) await rooms.machines.change(machineId, { hardware })
    },
    undo: (tools, { reverting }) => unrevertHeads(tools, reverting),
    async unrecord(rooms, { machineId, reverting, before }) {
      await unrecordReverted(rooms, reverting, before.stood)
      await rooms.machines.change(machineId, { hardware: before.hardware })
    },
  })
  .step<"start", Started | null>("start", {
    async do(tools, { machineId, before, andThen, arranging }) {
      if (!comesUp(before.wasOn, andThen)) return null
      return await turnOn(tools, machineId, arranging?.snapshotId)
    },
    async record(rooms, { machineId, output }) {
      if (output !== null) await recordOn(rooms, machineId, output)
    },
    undo: (tools, { machineId }) => turnOff(tools, machineId, 0),
    unrecord: (rooms, { machineId }) => recordOff(rooms, machineId),
  })
  .step("answer", {
    weight: 4,
    async do(tools, { machineId, before, andThen }) {
      if (comesUp(before.wasOn, andThen)) await awaitAnswer(tools, machineId)
    },
  })
  .step("clean", {
    forwardOnly: true,
    async do(tools, { reverting, notes, arrange }) {
      await dropReplaced(tools, reverting)
      for (const note of [...notes, ...arrange.notes]) tools.tell(note)
    },
  })
