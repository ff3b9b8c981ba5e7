/** What a volume holds: filled from a stream, read out as one, brought back to a snapshot. */
import { Refusal, type Result } from "../domain/fault.ts"
import { newId, type SnapshotId, type VolumeId } from "../domain/ids.ts"
import type { Volume } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { volumeExport } from "../operations/volume/export.ts"
import { volumeImport } from "../operations/volume/import.ts"
import { volumeRevert } from "../operations/volume/revert.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, Download, Started, Upload } from "./core.ts"
import { mustFit } from "./quota.ts"
import { planReverting } from "./reverting.ts"
import { shownVolume } from "./shown.ts"
import { streamed } from "./streamed.ts"
import { mustBeFreeOfMachines, mustBeIn } from "./volume-rules.ts"

export function revertVolume(
  context: Context,
  asking: Asking,
  id: VolumeId,
  snapshotId: SnapshotId,
): Promise<Result<Started<Volume>>> {
  return accept(context, asking, {
    saga: volumeRevert,
    plan: async (rooms) => {
      const volume = await shownVolume(rooms, asking.who, id)
      mustBeIn(volume, ["available", "in-use"])
      await mustBeOff(rooms, volume)
      const reverting = await planReverting(rooms, context, {
        who: asking.who,
        snapshotId,
        source: { kind: "volume", id },
        volumes: [volume],
      })
      return {
        resource: volume,
        accountId: volume.accountId,
        target: { kind: "volume", id },
        holds: [id, snapshotId, ...(volume.machineId === null ? [] : [volume.machineId])],
        params: { volumeId: id, reverting },
      }
    },
  })
}

export function importVolume(
  context: Context,
  asking: Asking,
  id: VolumeId,
  source: Upload,
): Promise<Result<Started<Volume>>> {
  return streamed(
    context,
    { source },
    (operationId) =>
      accept(context, asking, {
        saga: volumeImport,
        operationId,
        plan: async (rooms) => {
          const volume = await shownVolume(rooms, asking.who, id)
          mustNotBeEmpty(source)
          mustBeFreeOfMachines(volume)
          mustBeIn(volume, ["creating", "available"])
          if (source.lengthBytes !== null && source.format === "raw") {
            mustNotExceed(source.lengthBytes, volume.sizeBytes)
          }
          const reserves = await mustFit(rooms, context, {
            accountId: volume.accountId,
            source: { kind: "volume", id },
            takes: {},
            bytes: source.lengthBytes ?? source.mostBytes ?? volume.sizeBytes,
          })
          const { engine, sizeBytes } = volume
          const now = context.clock()
          return {
            resource: volume,
            accountId: volume.accountId,
            target: { kind: "volume", id },
            holds: [id],
            params: {
              volumeId: id,
              engine,
              sizeBytes,
              stagingId: newId<"volume">(now),
              pointId: newId<"point">(now),
              replacedId: newId<"point">(now),
            },
            reserves,
          }
        },
      }),
    async () => (await context.ledger.read.volumes.get(id)) ?? null,
  )
}

export function exportVolume(
  context: Context,
  asking: Asking,
  id: VolumeId,
  sink: Download,
): Promise<Result<Started<Volume>>> {
  return streamed(
    context,
    { sink },
    (operationId) =>
      accept(context, asking, {
        saga: volumeExport,
        operationId,
        plan: async (rooms) => {
          const volume = await shownVolume(rooms, asking.who, id)
          mustBeIn(volume, ["creating", "available", "in-use"])
          const { machineId, engine } = volume
          return {
            resource: volume,
            accountId: volume.accountId,
            target: { kind: "volume", id },
            holds: machineId === null ? [id] : [id, machineId],
            params: { volumeId: id, engine },
          }
        },
      }),
    async () => (await context.ledger.read.volumes.get(id)) ?? null,
  )
}

/** A pipe whose other end failed sends nothing: that is hardly a disk of zeros. */
function mustNotBeEmpty({ lengthBytes }: Upload): void {
  if (lengthBytes === 0) throw new Refusal({ kind: "bad-image", why: "it is empty" })
}

/** A machine that runs has its volumes open; one whose state is on its way is waited for. */
async function mustBeOff(rooms: Rooms, { id, machineId }: Volume): Promise<void> {
  if (machineId === null) return
  const machine = await rooms.machines.get(machineId)
  if (machine?.state !== "running") return
  if ((await rooms.operations.holding(machineId)).length > 0) return
  const by = [{ kind: "machine", id: machineId }] as const
  throw new Refusal({ kind: "in-use", what: "volume", id, by, hint: "stop the machine first" })
}

function mustNotExceed(bytes: number, atMost: number): void {
  if (bytes > atMost) throw new Refusal({ kind: "size", what: "the file", bytes, atMost })
}
