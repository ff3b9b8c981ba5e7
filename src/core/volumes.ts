/** Volumes: make, find, change, remove, fill, read out, bring back. */
import type { Principal } from "../domain/account.ts"
import { attempt, type Named, Refusal, type Result } from "../domain/fault.ts"
import type { SnapshotId, VolumeId } from "../domain/ids.ts"
import type { Volume } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { everyOf } from "../operations/every.ts"
import { bury } from "../operations/snapshot/bury.ts"
import { volumeDelete } from "../operations/volume/delete.ts"
import { accept } from "./accept.ts"
import { changeAtOnce } from "./change.ts"
import { claimed } from "./claims.ts"
import type { Context } from "./context.ts"
import type {
  Asking,
  ClaimingChange,
  Started,
  VolumeListing,
  VolumeRemoval,
  Volumes,
  VolumeView,
} from "./core.ts"
import { changed } from "./labels.ts"
import { whereOf } from "./listed.ts"
import { mustBeFree } from "./names.ts"
import { shownVolume } from "./shown.ts"
import { departing } from "./snapshot-rows.ts"
import { exportVolume, importVolume, revertVolume } from "./volume-content.ts"
import { createVolume } from "./volume-create.ts"
import { growVolume } from "./volume-grow.ts"
import { mustBeFreeOfMachines } from "./volume-rules.ts"

const fields = ["state", "type", "machineId", "role"] as const

export const openVolumes = (context: Context): Volumes => ({
  create: (asking, wish) => createVolume(context, asking, wish),
  get: (who, id) =>
    attempt(async () => {
      const volume = await shownVolume(context.ledger.read, who, id)
      const onDisk = (await context.capacity.diskUsage.now()).volumes
      return { ...volume, physicalBytes: onDisk.get(id) ?? 0 }
    }),
  list: (who, listing) => listVolumes(context, who, listing),
  count: (who, listing) =>
    attempt(() => context.ledger.read.volumes.count(whereOf(who, listing, fields))),
  change: (asking, id, change) => changeVolume(context, asking, id, change),
  remove: (asking, id, how) => removeVolume(context, asking, id, how),
  grow: (asking, id, sizeBytes, how) => growVolume(context, asking, { id, sizeBytes }, how),
  revert: (asking, id, snapshotId) => revertVolume(context, asking, id, snapshotId),
  importFrom: (asking, id, source) => importVolume(context, asking, id, source),
  exportTo: (asking, id, sink) => exportVolume(context, asking, id, sink),
})

function listVolumes(
  { ledger }: Context,
  who: Principal,
  listing: VolumeListing,
): Promise<Result<Volume[]>> {
  return attempt(() => ledger.read.volumes.find(whereOf(who, listing, fields), listing))
}

function changeVolume(
  context: Context,
  asking: Asking,
  id: VolumeId,
  change: ClaimingChange,
): Promise<Result<VolumeView>> {
  return changeAtOnce(context, asking, { kind: "volume", id }, async (rooms) => {
    const volume = await shownVolume(rooms, asking.who, id)
    if (volume.state === "deleting") throw new Refusal({ kind: "not-found", what: "volume", id })
    const patch = { ...changed(volume, change), ...claimed(asking.who, volume, change) }
    const { accountId } = volume
    const { name = volume.name } = patch
    if (name !== volume.name) {
      const others = () => rooms.volumes.find({ accountId, name })
      await mustBeFree(change.nameRule, "volume", name, others)
    }
    const written = Object.keys(patch)
    if (written.length > 0) await rooms.volumes.change(id, patch)
    return { resource: { ...volume, ...patch }, accountId, fields: written }
  })
}

function removeVolume(
  context: Context,
  asking: Asking,
  id: VolumeId,
  { cascade, recovery = "hinders" }: VolumeRemoval,
): Promise<Result<Started<Volume>>> {
  return accept(context, asking, {
    saga: volumeDelete,
    plan: async (rooms) => {
      const volume = await shownVolume(rooms, asking.who, id)
      if (volume.state === "deleting") {
        throw new Refusal({ kind: "not-found", what: "volume", id })
      }
      const { snapshots, wholly } = await departing(rooms, { volumeId: id })
      const hindering = cascade ? [] : await thatHinder(rooms, snapshots, recovery)
      mustBeFreeOfMachines(volume, hindering)
      if (hindering.length > 0) throw hasSnapshots(volume, hindering)
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

async function thatHinder(
  rooms: Rooms,
  ids: readonly SnapshotId[],
  recovery: VolumeRemoval["recovery"],
): Promise<readonly Named[]> {
  const all = await everyOf(rooms.snapshots, "id", ids)
  const those = recovery === "hinders" ? all : all.filter((each) => !each.recovery)
  return those.map(({ id, name }) => ({ kind: "snapshot", id, name }))
}

function hasSnapshots({ id }: Volume, by: readonly Named[]): Refusal {
  const hint = "delete them first, or delete the volume with cascade"
  return new Refusal({ kind: "in-use", what: "volume", id, by, hint })
}
