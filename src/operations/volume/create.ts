/** A volume is made: empty, or a new head on a snapshot's point. Instant, whatever the size. */
import { Refusal } from "../../domain/fault.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"
import type { Rooms } from "../../ledger/ledger.ts"
import { changeUnlessLeaving } from "../leaving.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type NewVolume = { volumeId: VolumeId; engine: string; sizeBytes: number }
export type VolumeCreate = NewVolume & { pointId: PointId | null }

export const volumeCreate = saga<Tools, VolumeCreate>("volume-create", 1).step("make", {
  do: (tools, { engine, volumeId, sizeBytes, pointId }) =>
    tools
      .engine(engine)
      .createHead(volumeId, { sizeBytes, ...(pointId === null ? {} : { point: pointId }) }),
  record: recordMade,
  undo: (tools, { engine, volumeId }) => tools.engine(engine).dropHead(volumeId),
  unrecord: unrecordMade,
})

export async function recordMade(rooms: Rooms, { volumeId }: NewVolume): Promise<void> {
  // It may have been promised to a machine while it waited to be made.
  const volume = await rooms.volumes.get(volumeId)
  const state = volume?.machineId === null ? "available" : "in-use"
  await changeUnlessLeaving(rooms.volumes, volumeId, { state })
}

export function unrecordMade(
  rooms: Rooms,
  { volumeId, reason }: NewVolume & { reason: string },
): Promise<void> {
  return changeUnlessLeaving(rooms.volumes, volumeId, { state: "failed", reason })
}

/** It may have failed to be made while this waited for it. */
export async function mustBeMade(tools: Tools, id: VolumeId): Promise<void> {
  const state = (await tools.read.volumes.get(id))?.state
  if (state === undefined) throw new Refusal({ kind: "not-found", what: "volume", id })
  if (state !== "failed") return
  const needs = ["available", "in-use"]
  throw new Refusal({ kind: "wrong-state", what: "volume", id, is: state, needs })
}
