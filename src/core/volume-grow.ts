/** A volume is made larger: one that no machine has, or a disk of a machine that is off. */
import { Refusal, type Result } from "../domain/fault.ts"
import type { VolumeId } from "../domain/ids.ts"
import { sectorBytes, type Volume } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { volumeGrow } from "../operations/volume/grow.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, CoverRule, Started } from "./core.ts"
import { mustNotBeCovered } from "./covered.ts"
import { mustSuit } from "./machine-rules.ts"
import { mustFit, smallBytes } from "./quota.ts"
import { shownVolume } from "./shown.ts"
import { mustBeIn, mustBeSize } from "./volume-rules.ts"

export function growVolume(
  context: Context,
  asking: Asking,
  { id, sizeBytes }: { id: VolumeId; sizeBytes: number },
  how: CoverRule = { ifCovered: "allow" },
): Promise<Result<Started<Volume>>> {
  return accept(context, asking, {
    saga: volumeGrow,
    plan: async (rooms) => {
      const volume = await shownVolume(rooms, asking.who, id)
      mustBeSize(sizeBytes)
      mustBeIn(volume, ["creating", "available", "in-use"])
      mustBeLarger(volume, sizeBytes)
      if (how.ifCovered === "refuse") await mustNotBeCovered(rooms, volume, "any")
      await mustBeOff(rooms, volume)
      const reserves = await mustHaveRoom(rooms, context, volume, sizeBytes)
      await rooms.volumes.change(id, { sizeBytes })
      const { accountId, engine, machineId } = volume
      return {
        resource: { ...volume, sizeBytes },
        accountId,
        target: { kind: "volume", id },
        holds: machineId === null ? [id] : [id, machineId],
        params: { volumeId: id, engine, sizeBytes },
        reserves,
      }
    },
  })
}

function mustBeLarger({ sizeBytes: now }: Volume, bytes: number): void {
  if (bytes > now) return
  throw new Refusal({ kind: "size", what: "the volume", bytes, atLeast: now + sectorBytes })
}

/** A guest that runs would not learn of it, and its process has the disk open. */
async function mustBeOff(rooms: Rooms, { machineId }: Volume): Promise<void> {
  const machine = machineId === null ? undefined : await rooms.machines.get(machineId)
  if (machine !== undefined) await mustSuit(rooms, machine, ["stopped"])
}

/** What it becomes larger by counts, against all that it counted against before. */
async function mustHaveRoom(
  rooms: Rooms,
  context: Context,
  { id, accountId, machineId, sizeBytes: now }: Volume,
  sizeBytes: number,
): Promise<number> {
  const takes = { logicalBytes: sizeBytes - now }
  if (machineId !== null) {
    const source = { kind: "machine", id: machineId } as const
    await mustFit(rooms, context, { accountId: null, source, takes, bytes: 0 })
  }
  const source = { kind: "volume", id } as const
  return await mustFit(rooms, context, { accountId, source, takes, bytes: smallBytes })
}
