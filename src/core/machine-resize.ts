/** A machine is given more or less memory and processors. */
import { Refusal, type Result } from "../domain/fault.ts"
import type { MachineId } from "../domain/ids.ts"
import { machineResize } from "../operations/machine/resize.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, Machines, MachineView, Started } from "./core.ts"
import { mustBeHardware, mustSuit, planFor, viewOf } from "./machine-rules.ts"
import { shownMachine } from "./shown.ts"

type ResizeWish = Parameters<Machines["resize"]>[2]

export function resizeMachine(
  context: Context,
  asking: Asking,
  id: MachineId,
  wish: ResizeWish,
): Promise<Result<Started<MachineView>>> {
  return accept(context, asking, {
    saga: machineResize,
    plan: async (rooms) => {
      mustBeHardware(wish)
      const { memoryMiB, cpus, restart } = wish
      if (memoryMiB === undefined && cpus === undefined) {
        throw new Refusal({ kind: "invalid", why: "say how much memory, or how many processors" })
      }
      const machine = await shownMachine(rooms, asking.who, id)
      await mustSuit(rooms, machine, restart ? ["stopped", "running"] : ["stopped"])
      return {
        ...planFor(await viewOf(rooms, machine)),
        params: {
          machineId: id,
          memoryMiB: memoryMiB ?? null,
          cpus: cpus ?? null,
          restart,
        },
      }
    },
  })
}
