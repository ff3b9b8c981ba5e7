/** A machine goes back to a snapshot of it. */
import type { Result } from "../domain/fault.ts"
import type { MachineId } from "../domain/ids.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { Arranging } from "../operations/machine/arrange.ts"
import { machineRevert } from "../operations/machine/revert.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, Machines, MachineView, Started } from "./core.ts"
import { mustSuit, planFor, viewOf } from "./machine-rules.ts"
import { mustFit, smallBytes } from "./quota.ts"
import { planDisks } from "./revert-disks.ts"
import { planReverting } from "./reverting.ts"
import { shownMachine } from "./shown.ts"

type RevertWish = Parameters<Machines["revert"]>[2]

export function revertMachine(
  context: Context,
  asking: Asking,
  id: MachineId,
  { snapshotId, then: andThen = "as-before", rootOnly = false }: RevertWish,
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
        rootOnly,
      })
      const wish = { who: asking.who, snapshotId, source, volumes }
      const reverting = await planReverting(rooms, context, wish)
      await mustHaveRoomFor(rooms, context, resource, arranging)
      const standIns = arranging?.disks.flatMap(({ standIn }) => standIn?.volumeId ?? []) ?? []
      return {
        ...planFor(resource),
        holds: [
          ...planFor(resource).holds,
          ...volumes.map((volume) => volume.id),
          ...standIns,
          snapshotId,
        ],
        params: { machineId: id, reverting, andThen, arranging, notes },
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
