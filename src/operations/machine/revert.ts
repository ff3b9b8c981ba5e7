/**
 * A machine goes back to a snapshot. Its plug is pulled (what the guest had not written is part
 * of what is being given up), its heads grow anew on the snapshot's points, and the old heads are
 * kept as a recovery snapshot. Newer snapshots stay, as a branch. Ids and addresses stay too.
 * From a snapshot with memory the guest goes on as if nothing had happened since.
 */
import type { MachineId } from "../../domain/ids.ts"
import { describeMachine, type MachineDescription } from "../../domain/machine.ts"
import {
  awaitAnswer,
  disksOf,
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
  stood: Stood
  seats: Seat[]
  /** As it is, and is being given up. */
  machine: MachineDescription
  /** As it was in the snapshot; null where the snapshot does not say. */
  kept: MachineDescription | null
  hasMemory: boolean
  /** From that memory. */
  goesOn: boolean
}

/** A guest that goes on from its memory is on, whatever it was before. */
function comesUp({ before, andThen }: MachineRevert & { before: Before }): boolean {
  if (andThen === "as-kept") return before.hasMemory
  return andThen === "start" || before.goesOn || (andThen === "as-before" && before.wasOn)
}

/** Without a memory to go on from, disks stay where they are. */
const disksToArrange = ({ arranging, before }: MachineRevert & { before: Before }) =>
  before.goesOn ? arranging : null

const noMemory = "the snapshot came to be without memory: the guest does not go on from it"

export const machineRevert = saga<Tools, MachineRevert>("machine-revert", 1)
  .step<"before", Before>("before", {
    async do(tools, { machineId, reverting, arranging }) {
      // Before the plug is pulled: it may have been promised while it was still being taken.
      const snapshot = await mustBeTaken(tools, reverting)
      const hasMemory = snapshot.memoryBytes !== null
      const machine = await machineOf(tools, machineId)
      return {
        wasOn: (await livenessOf(tools, machineId)) !== "gone",
        stood: await stoodBefore(tools, reverting),
        seats: await seatsBefore(tools, machineId, arranging),
        machine: describeMachine(machine, await disksOf(tools, machineId)),
        kept: snapshot.machine,
        hasMemory,
        goesOn: hasMemory && arranging !== null,
      }
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
    do: (tools, known) => arrange(tools, known.machineId, disksToArrange(known)),
    record: (rooms, { output, ...known }) =>
      recordArranged(rooms, known.machineId, disksToArrange(known), output),
    undo: (tools, known) => unarrange(tools, disksToArrange(known)),
    unrecord: (rooms, known) => unrecordArranged(rooms, disksToArrange(known), known.before.seats),
  })
  .step("revert", {
    do: (tools, { reverting }) => revertHeads(tools, reverting),
    async record(rooms, { machineId, reverting, before: { machine, kept } }) {
      await recordReverted(rooms, reverting, machine)
      if (kept !== null) await rooms.machines.change(machineId, { hardware: kept.hardware })
    },
    undo: (tools, { reverting }) => unrevertHeads(tools, reverting),
    async unrecord(rooms, { machineId, reverting, before }) {
      await unrecordReverted(rooms, reverting, before.stood)
      await rooms.machines.change(machineId, { hardware: before.machine.hardware })
    },
  })
  .step<"start", Started | null>("start", {
    async do(tools, known) {
      if (!comesUp(known)) return null
      const { machineId, reverting, before } = known
      if (!before.goesOn) return await turnOn(tools, machineId)
      const keptUnder = before.kept?.accelerator ?? null
      return await turnOn(tools, machineId, { snapshot: reverting.snapshotId, keptUnder })
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
    async do(tools, { reverting, arranging, notes, before, arrange }) {
      await dropReplaced(tools, reverting)
      const disappointed = arranging !== null && !before.goesOn ? [noMemory] : []
      for (const note of [...notes, ...arrange.notes, ...disappointed]) tools.tell(note)
    },
  })
