/**
 * A volume becomes larger; whoever uses its disk sees it when they open it next. What it held, and
 * what was kept of it, stays. Its size is on record from the moment it is accepted, so that quotas
 * count it and whatever queues behind it reckons with it; given up before it was begun, the record
 * goes back to what is there. Once begun it cannot be taken back, and need not be: an engine makes
 * a head larger in one commit, so after a crash it is done again, or found done.
 */
import { Refusal } from "../../domain/fault.ts"
import type { VolumeId } from "../../domain/ids.ts"
import type { Rooms } from "../../ledger/ledger.ts"
import { changeUnlessLeaving } from "../leaving.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"
import { shortenFirst } from "../upkeep.ts"
import { mustBeMade } from "./create.ts"
import { machineThatHasItOpen } from "./export.ts"

export type VolumeGrow = { volumeId: VolumeId; engine: string; sizeBytes: number }

export const volumeGrow = saga<Tools, VolumeGrow>("volume-grow", 1)
  .step("look", {
    async do(tools, order) {
      await mustBeMade(tools, order.volumeId)
      const id = await machineThatHasItOpen(tools, order.volumeId)
      if (id !== null) {
        const needs = ["stopped"]
        throw new Refusal({ kind: "wrong-state", what: "machine", id, is: "running", needs })
      }
      await shortenFirst(tools, [order])
    },
    undo: (tools, { engine, volumeId }) => tools.engine(engine).sizeOf(volumeId),
    unrecord: (rooms, { undone, ...order }) => putBack(rooms, order, undone as number | null),
  })
  .step("grow", {
    forwardOnly: true,
    do: (tools, { engine, volumeId, sizeBytes }) =>
      tools.engine(engine).growHead(volumeId, sizeBytes),
  })

/** Unless it was promised to become larger still since. */
async function putBack(
  rooms: Rooms,
  { volumeId, sizeBytes }: Pick<VolumeGrow, "volumeId" | "sizeBytes">,
  isBytes: number | null,
): Promise<void> {
  const promised = (await rooms.volumes.get(volumeId))?.sizeBytes
  if (isBytes === null || promised !== sizeBytes) return
  await changeUnlessLeaving(rooms.volumes, volumeId, { sizeBytes: isBytes })
}
