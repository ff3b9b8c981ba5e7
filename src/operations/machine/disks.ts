/** Extra volumes come and go, while the machine runs or while it is off. */
import type { MachineId, VolumeId } from "../../domain/ids.ts"
import type { Host } from "../../hosts/host.ts"
import type { Rooms } from "../../ledger/ledger.ts"
import { livenessOf, machineOf } from "../power.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type MachineDisk = { machineId: MachineId; volumeId: VolumeId; slot: number; engine: string }

/** How long a guest may take to notice a new disk before we say that it is attached anyway. */
const noticeMs = 10_000

/** The volume was promised to the machine when this was accepted; here the machine gets it. */
export const machineAttach = saga<Tools, MachineDisk>("machine-attach", 1)
  .step("attach", {
    async do(tools, { machineId, volumeId, slot, engine: name }) {
      const host = await hostOfRunning(tools, machineId)
      // The machine may have been started since, with this volume in it.
      if (host === null || (await host.topNode(machineId, volumeId)) !== null) return
      await host.attach(machineId, slot, await tools.engine(name).open(volumeId))
    },
    undo: (tools, disk) => takeAway(tools, disk),
    unrecord: (rooms, { volumeId }) => giveBack(rooms, volumeId),
  })
  .step("notice", {
    async do(tools, { machineId, slot }) {
      const host = await hostOfRunning(tools, machineId)
      tools.report(0, "waiting for the guest to notice its disk")
      await host?.diskInUse(machineId, slot, noticeMs)
    },
  })

export const machineDetach = saga<Tools, MachineDisk>("machine-detach", 1).step("detach", {
  do: (tools, disk) => takeAway(tools, disk),
  record: (rooms, { volumeId }) => giveBack(rooms, volumeId),
  // A guest that does not let go keeps its disk: nothing was taken away.
})

async function takeAway(tools: Tools, { machineId, volumeId, slot }: MachineDisk): Promise<void> {
  const host = await hostOfRunning(tools, machineId)
  await host?.detach(machineId, slot, volumeId)
}

async function hostOfRunning(tools: Tools, machineId: MachineId): Promise<Host | null> {
  const { kind } = await machineOf(tools, machineId)
  return (await livenessOf(tools, machineId)) === "gone" ? null : tools.host(kind)
}

const giveBack = (rooms: Rooms, volumeId: VolumeId) =>
  rooms.volumes.change(volumeId, { machineId: null, slot: null, state: "available" })
