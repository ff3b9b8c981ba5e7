/** Extra volumes are given to a machine and taken back. */
import { Refusal, type Result } from "../domain/fault.ts"
import type { MachineId, VolumeId } from "../domain/ids.ts"
import { machineAttach, machineDetach } from "../operations/machine/disks.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, CoverRule, MachineView, Started } from "./core.ts"
import { mustNotBeCovered } from "./covered.ts"
import { freeSlot } from "./machine-create.ts"
import { mustSuit, planFor, viewOf } from "./machine-rules.ts"
import { mustFit } from "./quota.ts"
import { shownMachine, shownVolume } from "./shown.ts"
import { mustBeFreeOfMachines, mustBeIn, mustBelongTo } from "./volume-rules.ts"

export function attachVolume(
  context: Context,
  asking: Asking,
  id: MachineId,
  volumeId: VolumeId,
): Promise<Result<Started<MachineView>>> {
  return accept(context, asking, {
    saga: machineAttach,
    plan: async (rooms) => {
      const machine = await shownMachine(rooms, asking.who, id)
      await mustSuit(rooms, machine, ["running", "stopped"])
      const volume = await shownVolume(rooms, asking.who, volumeId)
      mustBelongTo(machine.accountId, volume)
      mustBeFreeOfMachines(volume)
      mustBeIn(volume, ["creating", "available"])
      const takes = { logicalBytes: volume.sizeBytes }
      const source = { kind: "machine", id } as const
      await mustFit(rooms, context, { accountId: null, source, takes, bytes: 0 })
      const slot = freeSlot(await rooms.volumes.find({ machineId: id }))
      await rooms.volumes.change(volumeId, { machineId: id, slot, state: "in-use" })
      const resource = await viewOf(rooms, machine)
      const params = { machineId: id, volumeId, slot, engine: volume.engine }
      return { ...planFor(resource), params }
    },
  })
}

export function detachVolume(
  context: Context,
  asking: Asking,
  id: MachineId,
  volumeId: VolumeId,
  how: CoverRule = { ifCovered: "allow" },
): Promise<Result<Started<MachineView>>> {
  return accept(context, asking, {
    saga: machineDetach,
    plan: async (rooms) => {
      const machine = await shownMachine(rooms, asking.who, id)
      const volume = await shownVolume(rooms, asking.who, volumeId)
      if (volume.machineId !== id) {
        throw new Refusal({
          kind: "wrong-state",
          what: "volume",
          id: volumeId,
          is: "not attached to this machine",
          needs: ["attached to it"],
        })
      }
      if (volume.role === "root") mustBeFreeOfMachines(volume)
      if (how.ifCovered === "refuse") await mustNotBeCovered(rooms, volume, "its-machine")
      const params = { machineId: id, volumeId, slot: volume.slot ?? 0, engine: volume.engine }
      return { ...planFor(await viewOf(rooms, machine)), params }
    },
  })
}
