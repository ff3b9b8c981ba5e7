/** A volume that no running machine has is read out, to whoever asked. */
import { Refusal } from "../../domain/fault.ts"
import type { MachineId, VolumeId } from "../../domain/ids.ts"
import { livenessOf, machineOf } from "../power.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"
import { watchOf } from "../watch.ts"

export type VolumeExport = { volumeId: VolumeId; engine: string }

export const volumeExport = saga<Tools, VolumeExport>("volume-export", 1).step("send", {
  async do(tools, { volumeId, engine }) {
    await mustBeClosed(tools, volumeId)
    const sink = tools.transfers.sink(tools.operationId)
    await tools.engine(engine).read({ volume: volumeId }, sink, watchOf(tools, "sent"))
  },
})

export async function mustBeClosed(tools: Tools, id: VolumeId): Promise<void> {
  const machine = await machineThatHasItOpen(tools, id)
  if (machine === null) return
  throw new Refusal({
    kind: "in-use",
    what: "volume",
    id,
    by: [{ kind: "machine", id: machine }],
    hint: "stop the machine first, or take a snapshot and work with that",
  })
}

/** Null: detached, attached to a machine that is off, or promised to one that has not got it yet. */
export async function machineThatHasItOpen(tools: Tools, id: VolumeId): Promise<MachineId | null> {
  const volume = await tools.read.volumes.get(id)
  if (volume === undefined) throw new Refusal({ kind: "not-found", what: "volume", id })
  const { machineId } = volume
  if (machineId === null || (await livenessOf(tools, machineId)) === "gone") return null
  const { kind } = await machineOf(tools, machineId)
  return (await tools.host(kind).topNode(machineId, id)) === null ? null : machineId
}
