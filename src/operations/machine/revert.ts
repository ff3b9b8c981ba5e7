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
  mustBeTaken,
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
  /** `as-kept`: on if the snapshot has memory, else off. */
  andThen: "as-before" | "as-kept" | "start" | "stop"
  /** The disks that the kept memory knows; null where none is to go on. */
  arranging: Arranging | null
  /** What a person should know of disks that came and went since. */
  notes: readonly string[]
}

type Before = {
  wasOn: boolean
  hasMemory: boolean
  stood: Stood
  hardware: Hardware
  seats: Seat[]
}

/** A guest that goes on from its memory is on, whatever it was before. */
function comesUp({ before, andThen, arranging }: MachineRevert & { before: Before }): boolean {
  if (andThen === "as-kept") return before.hasMemory
  return andThen === "start" || (andThen === "as-before" && (before.wasOn || arranging !== null))
}

export const machineRevert = saga<Tools, MachineRevert>("machine-revert", 1)
  .step<"before", Before>("before", {
    async do(tools, { machineId, reverting, arranging }) {
      // Before the plug is pulled: it may have been promised while it was still being taken.
      const { memoryBytes } = await mustBeTaken(tools, reverting)
      const { hardware } = await machineOf(tools, machineId)
      const wasOn = (await livenessOf(tools, machineId)) !== "gone"
      const seats = await seatsBefore(tools, machineId, arranging)
      const stood = await stoodBefore(tools, reverting)
      return { wasOn, hasMemory: memoryBytes !== null, hardware, seats, stood }
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
    async record(rooms, { machineId, reverting }) {
      await recordReverted(rooms, reverting)
      // Known for sure only now: one that was still being taken had its machine as it was asked for.
      const { machine = null } = (await rooms.snapshots.get(reverting.snapshotId)) ?? {}
      if (machine !== null) {
        await rooms.machines.change(machineId, { hardware: machine.hardware })
      }
    },
    undo: (tools, { reverting }) => unrevertHeads(tools, reverting),
    async unrecord(rooms, { machineId, reverting, before }) {
      await unrecordReverted(rooms, reverting, before.stood)
      await rooms.machines.change(machineId, { hardware: before.hardware })
    },
  })
  .step<"start", Started | null>("start", {
    async do(tools, known) {
      if (!comesUp(known)) return null
      const { machineId, before, arranging } = known
      return await turnOn(tools, machineId, before.hasMemory ? arranging?.snapshotId : undefined)
    },
    async record(rooms, { machineId, output }) {
      if (output !== null) await recordOn(rooms, machineId, output)
    },
    undo: (tools, { machineId }) => turnOff(tools, machineId, 0),
    unrecord: (rooms, { machineId }) => recordOff(rooms, machineId),
  })
  .step("answer", {
    weight: 4,
    async do(tools, known) {
      if (comesUp(known)) await awaitAnswer(tools, known.machineId)
    },
  })
  .step("clean", {
    forwardOnly: true,
    async do(tools, { reverting, notes, arrange }) {
      await dropReplaced(tools, reverting)
      for (const note of [...notes, ...arrange.notes]) tools.tell(note)
    },
  })
