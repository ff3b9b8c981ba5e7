/** Extra volumes come and go, while the machine runs or while it is off. */
import { Refusal } from "../../domain/fault.ts"
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
      const volume = await tools.read.volumes.get(volumeId)
      if (volume?.machineId !== machineId || volume.state !== "in-use") {
        const is = volume === undefined ? "gone" : volume.state
        const needs = ["promised to this machine"]
        throw new Refusal({ kind: "wrong-state", what: "volume", id: volumeId, is, needs })
      }
      const host = await hostOfRunning(tools, machineId)
      // The machine may have been started since, with this volume in it.
      if (host === null || (await host.topNode(machineId, volumeId)) !== null) return
      using graph = await tools.engine(name).open(volumeId)
      await host.attach(machineId, slot, graph)
    },
    undo: (tools, disk) => takeAway(tools, disk),
    unrecord: (rooms, disk) => giveBack(rooms, disk),
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
  record: (rooms, disk) => giveBack(rooms, disk),
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

/** Only what this very machine has, or was promised; a volume that was never made stays failed. */
export async function giveBack(
  rooms: Rooms,
  { machineId, volumeId }: Pick<MachineDisk, "machineId" | "volumeId">,
): Promise<void> {
  const volume = await rooms.volumes.get(volumeId)
  if (volume?.machineId !== machineId) return
  const state = volume.state === "in-use" ? "available" : volume.state
  await rooms.volumes.change(volumeId, { machineId: null, slot: null, state })
}
