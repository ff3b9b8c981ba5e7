/** Extra volumes come and go, while the machine runs or while it is off. */
import type { MachineId, VolumeId } from "../../domain/ids.ts"
import type { Rooms } from "../../ledger/ledger.ts"
import { livenessOf, machineOf } from "../power.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type MachineDisk = { machineId: MachineId; volumeId: VolumeId; slot: number; engine: string }

/** The volume was promised to the machine when this was accepted; here the machine gets it. */
export const machineAttach = saga<Tools, MachineDisk>("machine-attach", 1).step("attach", {
  async do(tools, { machineId, volumeId, slot, engine: name }) {
    if ((await livenessOf(tools, machineId)) === "gone") return
    const { kind } = await machineOf(tools, machineId)
    const host = tools.host(kind)
    // The machine may have been started since, with this volume in it.
    if ((await host.topNode(machineId, volumeId)) !== null) return
    await host.attach(machineId, slot, await tools.engine(name).open(volumeId))
  },
  undo: (tools, disk) => takeAway(tools, disk),
  unrecord: (rooms, { volumeId }) => giveBack(rooms, volumeId),
})

export const machineDetach = saga<Tools, MachineDisk>("machine-detach", 1).step("detach", {
  do: (tools, disk) => takeAway(tools, disk),
  record: (rooms, { volumeId }) => giveBack(rooms, volumeId),
  // A guest that does not let go keeps its disk: nothing was taken away.
})

async function takeAway(tools: Tools, { machineId, volumeId, slot }: MachineDisk): Promise<void> {
  if ((await livenessOf(tools, machineId)) === "gone") return
  const { kind } = await machineOf(tools, machineId)
  await tools.host(kind).detach(machineId, slot, volumeId)
}

const giveBack = (rooms: Rooms, volumeId: VolumeId) =>
  rooms.volumes.change(volumeId, { machineId: null, slot: null, state: "available" })
