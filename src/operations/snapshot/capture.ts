/**
 * A snapshot in which the guest has a part: its file systems written out and frozen for an instant
 * (`quiesce`), or all that it has in memory (`memory`). What the label says is what was really
 * achieved, not what was asked for.
 *
 * A guest that is held still must go on, whatever becomes of us. So it is written down that it is
 * held, and until when, before it is touched: while we live it is let go in time, and after a
 * restart of ours at once.
 */
import type { MachineId, OperationId } from "../../domain/ids.ts"
import { changeUnlessLeaving } from "../leaving.ts"
import { untakeEverywhere } from "../points.ts"
import { machineOf } from "../power.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"
import { shortenFirst } from "../upkeep.ts"
import type { SnapshotCreate } from "./create.ts"
import { dropMemory, letGo, type Taken, takeHolding } from "./holding.ts"
import { publish, unpublish } from "./publish.ts"

export type SnapshotCapture = SnapshotCreate & {
  operationId: OperationId
  machineId: MachineId
  memory: boolean
  /** Without its guest's part it fails; absent: it is taken all the same, and says so. */
  mustRun?: boolean
}

/** Memory that is written while its guest stands still takes about this long. */
const writingMsPerMebibyte = 20

export const snapshotCapture = saga<Tools, SnapshotCapture>("snapshot-capture", 1)
  .step("shorten", {
    do: (tools, { points }) => shortenFirst(tools, points),
    // The first step is undone whichever failed, and last.
    unrecord: unpublish,
  })
  .step<"hold", { until: number }>("hold", {
    async do(tools, { machineId, memory }) {
      const { hardware } = await machineOf(tools, machineId)
      const writingMs = memory ? hardware.memoryMiB * writingMsPerMebibyte : 0
      return { until: tools.clock() + tools.limits.holdMs + writingMs }
    },
    record: (rooms, { operationId, machineId, output: { until } }) =>
      changeUnlessLeaving(rooms.machines, machineId, { held: { operationId, until } }),
    undo: (tools, { machineId }) => letGo(tools, machineId),
    async unrecord(rooms, { machineId, undone }) {
      // One that does not answer is overdue from now on, and is asked until it does.
      const { held = null } = (await rooms.machines.get(machineId)) ?? {}
      const left = undone === false && held !== null ? { ...held, until: 0 } : null
      await changeUnlessLeaving(rooms.machines, machineId, { held: left })
    },
  })
  .step<"take", Taken>("take", {
    do: (tools, order) => takeHolding(tools, { ...order, until: order.hold.until }),
    async record(rooms, { operationId, machineId, output: { captured, released } }) {
      if (captured) return
      const held = released ? null : { operationId, until: 0 }
      await changeUnlessLeaving(rooms.machines, machineId, { held })
    },
    async undo(tools, { machineId, snapshotId, points }) {
      await letGo(tools, machineId)
      await dropMemory(tools, machineId, snapshotId)
      await untakeEverywhere(tools, points)
    },
  })
  .step<"keep", { bytes: number } | null>("keep", {
    weight: 10,
    async do(tools, { machineId, snapshotId, take }) {
      if (!take.captured) return null
      const { kind } = await machineOf(tools, machineId)
      const { signal } = tools
      const progress = (done: number, total: number) =>
        tools.report(total > 0 ? done / total : 0, `${mebibytes(done)} MiB of memory kept`)
      return await tools.host(kind).keepMemory(machineId, snapshotId, { signal, progress })
    },
    // Only now can it not be taken back any more: what was said to be ready stays.
    async record(rooms, { machineId, take: { captured, consistency }, output, ...snapshot }) {
      await publish(rooms, { ...snapshot, consistency, memoryBytes: output?.bytes ?? null })
      if (captured) await changeUnlessLeaving(rooms.machines, machineId, { held: null })
    },
  })

const mebibytes = (bytes: number) => Math.floor(bytes / 2 ** 20)
