/** A volume that no running machine has is read out, to whoever asked. */
import { Refusal } from "../../domain/fault.ts"
import type { VolumeId } from "../../domain/ids.ts"
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

/** Detached, attached to a machine that is off, or promised to one that has not got it yet. */
export async function mustBeClosed(tools: Tools, id: VolumeId): Promise<void> {
  const volume = await tools.read.volumes.get(id)
  if (volume === undefined) throw new Refusal({ kind: "not-found", what: "volume", id })
  if (volume.machineId === null) return
  if ((await livenessOf(tools, volume.machineId)) === "gone") return
  const { kind } = await machineOf(tools, volume.machineId)
  if ((await tools.host(kind).topNode(volume.machineId, id)) === null) return
  throw new Refusal({
    kind: "in-use",
    what: "volume",
    id,
    by: [{ kind: "machine", id: volume.machineId }],
    hint: "stop the machine first, or take a snapshot and work with that",
  })
}
