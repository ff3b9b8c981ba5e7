/** A machine is deleted: from here on it, its root volume and its snapshots are gone. */
import { Refusal, type Result } from "../domain/fault.ts"
import type { MachineId } from "../domain/ids.ts"
import type { Machine } from "../domain/machine.ts"
import { machineDelete } from "../operations/machine/delete.ts"
import { bury } from "../operations/snapshot/bury.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, MachineView, Started } from "./core.ts"
import { planFor, viewOf } from "./machine-rules.ts"
import { shownMachine } from "./shown.ts"
import { departing } from "./snapshot-rows.ts"

export function removeMachine(
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
      mustBeUnprotected(machine)
      const was = await viewOf(rooms, machine)
      const { rootVolumeId } = machine
      const root = await rooms.volumes.get(rootVolumeId)
      const of = { volumeId: rootVolumeId, machineId: id }
      const { wholly } = await departing(rooms, of)
      for (const each of wholly) await bury(rooms, each)
      if (root !== undefined) await rooms.volumes.change(root.id, { state: "deleting" })
      await rooms.machines.change(id, { state: "deleting" })
      const resource = await viewOf(rooms, { ...machine, state: "deleting" })
      const engine = root?.engine ?? context.engineName
      return {
        ...planFor(resource),
        holds: [...planFor(resource).holds, ...wholly],
        params: { machineId: id, rootVolumeId, engine, was },
      }
    },
  })
}

function mustBeUnprotected({ id, deletionProtected }: Machine): void {
  if (!deletionProtected) return
  const is = "protected against deletion"
  throw new Refusal({ kind: "wrong-state", what: "machine", id, is, needs: ["unprotected"] })
}
