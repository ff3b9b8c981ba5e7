/**
 * A machine goes, and its root volume and snapshots with it; extra volumes are given back. The
 * user was told so when the request was accepted, so every step only goes forward.
 */
import type { MachineId, VolumeId } from "../../domain/ids.ts"
import type { Machine } from "../../domain/machine.ts"
import type { Volume } from "../../domain/volume.ts"
import { forgetLeaving, pointsLeaving } from "../departed.ts"
import { every } from "../every.ts"
import { dropMemories, dropPoints } from "../points.ts"
import { machineOf, turnOff } from "../power.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"
import { giveBack } from "./disks.ts"

export type MachineDelete = {
  machineId: MachineId
  rootVolumeId: VolumeId
  engine: string
  /** As it was when this was accepted, for those who ask about it afterwards. */
  was?: Machine & { disks: Volume[] }
}

export const machineDelete = saga<Tools, MachineDelete>("machine-delete", 1)
  .step("stop", {
    forwardOnly: true,
    do: (tools, { machineId }) => turnOff(tools, machineId, 0),
    async record(rooms, { machineId }) {
      await rooms.machines.change(machineId, { process: null })
      for (const volume of await rooms.volumes.find({ machineId, role: "extra" })) {
        await giveBack(rooms, { machineId, volumeId: volume.id })
      }
    },
  })
  .step("discard", {
    forwardOnly: true,
    async do(tools, { machineId }) {
      const machine = await machineOf(tools, machineId)
      await tools.host(machine.kind).discard(machineId)
    },
  })
  .step("drop", {
    forwardOnly: true,
    async do(tools, { engine, machineId, rootVolumeId }) {
      const of = { volumeId: rootVolumeId, machineId }
      const taken = await every(tools.read.snapshots, { sourceId: machineId })
      await dropMemories(
        tools,
        taken.map(({ id }) => id),
      )
      await dropPoints(tools, await pointsLeaving(tools.read, of))
      await tools.engine(engine).dropHead(rootVolumeId)
    },
    async record(rooms, { machineId, rootVolumeId }) {
      await forgetLeaving(rooms, { volumeId: rootVolumeId, machineId })
      await rooms.standing.set(machineId, null)
      await rooms.standing.set(rootVolumeId, null)
      await rooms.volumes.remove(rootVolumeId)
      await rooms.machines.remove(machineId)
    },
  })
