/** Volumes: make, find, remove, fill, read out, bring back. */
import type { Principal } from "../domain/account.ts"
import { attempt, Refusal, type Result } from "../domain/fault.ts"
import { newId, type SnapshotId, type VolumeId } from "../domain/ids.ts"
import { labelsOf } from "../domain/labels.ts"
import type { Volume } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { volumeCreate } from "../operations/volume/create.ts"
import { volumeDelete } from "../operations/volume/delete.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, Listing, Started, Volumes, VolumeWish } from "./core.ts"
import { mustBeName } from "./names.ts"
import { mustFit, smallBytes } from "./quota.ts"
import { shownVolume } from "./shown.ts"
import { bury, departing, readyPoint } from "./snapshot-rows.ts"
import { must, scopeOf } from "./visible.ts"
import { exportVolume, importVolume, revertVolume } from "./volume-content.ts"
import { mustBeFreeOfMachines, mustBeSize } from "./volume-rules.ts"

export const openVolumes = (context: Context): Volumes => ({
  create: (asking, wish) => createVolume(context, asking, wish),
  get: (who, id) =>
    attempt(async () => {
      const volume = await shownVolume(context.ledger.read, who, id)
      const onDisk = (await context.capacity.diskUsage.now()).volumes
      return { ...volume, physicalBytes: onDisk.get(id) ?? 0 }
    }),
  list: (who, listing) => listVolumes(context, who, listing),
  remove: (asking, id, how) => removeVolume(context, asking, id, how),
  revert: (asking, id, snapshotId) => revertVolume(context, asking, id, snapshotId),
  importFrom: (asking, id, source) => importVolume(context, asking, id, source),
  exportTo: (asking, id, sink) => exportVolume(context, asking, id, sink),
})

function createVolume(
  context: Context,
  asking: Asking,
  wish: VolumeWish,
): Promise<Result<Started<Volume>>> {
  return accept(context, asking, {
    saga: volumeCreate,
    plan: async (rooms) => {
      mustBeName(wish.name)
      const { from, sizeBytes } = await originOf(rooms, asking.who, wish)
      mustBeSize(sizeBytes)
      const id = newId<"volume">(context.clock())
      const reserves = await mustFit(rooms, context, {
        accountId: asking.who.accountId,
        source: { kind: "volume", id },
        takes: { volumes: 1, logicalBytes: sizeBytes },
        bytes: smallBytes,
      })
      const volume: Volume = {
        id,
        accountId: asking.who.accountId,
        node: context.node,
        engine: from?.point.engine ?? context.engineName,
        name: wish.name,
        sizeBytes,
        state: "creating",
        machineId: null,
        role: "extra",
        slot: null,
        fromImageId: null,
        fromSnapshotId: from?.snapshotId ?? null,
        type: wish.type ?? null,
        ...labelsOf(wish),
        reason: null,
        createdAt: context.clock(),
      }
      await rooms.volumes.add(volume)
      const { id: volumeId, engine } = volume
      return {
        resource: volume,
        accountId: volume.accountId,
        target: { kind: "volume", id: volumeId },
        holds: from === null ? [volumeId] : [volumeId, from.snapshotId],
        params: { volumeId, engine, sizeBytes, pointId: from?.point.id ?? null },
        reserves,
      }
    },
  })
}

function removeVolume(
  context: Context,
  asking: Asking,
  id: VolumeId,
  { cascade }: { cascade: boolean },
): Promise<Result<Started<Volume>>> {
  return accept(context, asking, {
    saga: volumeDelete,
    plan: async (rooms) => {
      const volume = await shownVolume(rooms, asking.who, id)
      mustBeFreeOfMachines(volume)
      if (volume.state === "deleting") {
        throw new Refusal({ kind: "not-found", what: "volume", id })
      }
      const { snapshots, wholly } = await departing(rooms, { volumeId: id })
      if (snapshots.length > 0 && !cascade) throw hasSnapshots(volume, snapshots)
      for (const each of wholly) await bury(rooms, each)
      await rooms.volumes.change(id, { state: "deleting" })
      return {
        resource: { ...volume, state: "deleting" },
        accountId: volume.accountId,
        target: { kind: "volume", id },
        holds: [id, ...snapshots],
        params: {
          volumeId: id,
          engine: volume.engine,
        },
      }
    },
  })
}

function listVolumes(
  { ledger }: Context,
  who: Principal,
  listing: Listing,
): Promise<Result<Volume[]>> {
  return attempt(async () => {
    const { name } = listing
    const where = { ...must(scopeOf(who, listing)), ...(name === undefined ? {} : { name }) }
    return await ledger.read.volumes.find(where, listing)
  })
}

/** Where a new volume's bytes come from, and how large it is to be. */
async function originOf(rooms: Rooms, who: Principal, wish: VolumeWish) {
  if (!("snapshotId" in wish)) return { from: null, sizeBytes: wish.sizeBytes }
  const point = await readyPoint(rooms, who, wish.snapshotId)
  const sizeBytes = wish.sizeBytes ?? point.sizeBytes
  if (sizeBytes < point.sizeBytes) {
    const bounds = { bytes: sizeBytes, atLeast: point.sizeBytes }
    throw new Refusal({ kind: "size", what: "the volume", ...bounds })
  }
  return { from: { snapshotId: wish.snapshotId, point }, sizeBytes }
}

function hasSnapshots(volume: Volume, snapshots: readonly SnapshotId[]): Refusal {
  const by = snapshots.map((id) => ({ kind: "snapshot", id }) as const)
  const hint = "delete them first, or delete the volume with cascade"
  return new Refusal({ kind: "in-use", what: "volume", id: volume.id, by, hint })
}
