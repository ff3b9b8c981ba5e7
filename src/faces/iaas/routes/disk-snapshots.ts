/** Snapshots of block devices: each is one volume's part of a snapshot, by the part's own id. */
import { z } from "zod"
import type { Core, PointView } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import { type PointId, parseId, type VolumeId } from "../../../domain/ids.ts"
import type { Route } from "../../face.ts"
import type { IaasSettings } from "../../settings.ts"
import { accepted } from "../accepted.ts"
import { currentPoint, diskSnapshots } from "../disk-points.ts"
import { route } from "../route.ts"
import { countRule, nameOr, recorded } from "../snapshot-rules.ts"
import { DiskSnapshotSpecification, renderDiskSnapshot } from "../wire/disk.ts"
import { base, ownerOf } from "../wire/words.ts"

const disk = `${base}/block-devices/:id`
const ofDisk = { ids: { id: "volume" } } as const
const forOne = {
  path: `${disk}/snapshots/:id1`,
  ids: { id: "volume", id1: "point" },
} as const
const RevertQuery = z.object({ id: z.string().max(255) })

export const diskSnapshotRoutes = (settings: IaasSettings): readonly Route[] => [
  route({
    ...ofDisk,
    method: "POST",
    path: `${disk}/operations/snapshots`,
    body: DiskSnapshotSpecification,
    async answer({ core, asking, ids: { id }, body }) {
      const started = await core.snapshots.create(asking, {
        name: nameOr(body.name),
        description: body.description,
        metadata: body.snapshotProperties,
        tags: body.tags ?? {},
        source: { kind: "volume", id },
        countRule: countRule(settings),
        recorded,
      })
      return accepted(core, asking, { kind: "snapshot-create", volume: id }, started)
    },
  }),
  route({
    ...ofDisk,
    method: "GET",
    path: `${disk}/snapshots`,
    async answer({ core, who, ids: { id } }) {
      const volume = await core.volumes.get(who, id)
      if (!volume.ok) return volume
      const all = await diskSnapshots(core, who, id)
      if (!all.ok) return all
      const current = await currentPoint(core, who, volume.value, all.value)
      const owner = await ownerOf(core, volume.value.accountId)
      const body = all.value.map((each) =>
        renderDiskSnapshot(each, each.point.id === current, owner),
      )
      return ok({ status: 200, body })
    },
  }),
  route({
    ...forOne,
    method: "GET",
    async answer({ core, who, ids: { id, id1 } }) {
      const volume = await core.volumes.get(who, id)
      if (!volume.ok) return volume
      const found = await pointOf(core, who, id, id1)
      if (!found.ok) return found
      const all = await diskSnapshots(core, who, id)
      if (!all.ok) return all
      const current = await currentPoint(core, who, volume.value, all.value)
      const owner = await ownerOf(core, volume.value.accountId)
      return ok({ status: 200, body: renderDiskSnapshot(found.value, id1 === current, owner) })
    },
  }),
  route({
    ...forOne,
    method: "DELETE",
    async answer({ core, who, asking, ids: { id, id1 } }) {
      const found = await pointOf(core, who, id, id1)
      if (!found.ok) return found
      const removed = await core.snapshots.removePoint(asking, id1)
      return accepted(core, asking, { kind: "snapshot-delete", volume: id }, removed)
    },
  }),
  route({
    method: "POST",
    path: `${disk}/operations/revert`,
    ids: { id: "volume" },
    query: RevertQuery,
    async answer({ core, who, asking, ids: { id }, query }) {
      const volume = await core.volumes.get(who, id)
      if (!volume.ok) return volume
      const point = parseId<"point">(query.id)
      if (point === undefined) return noSuchPoint(query.id)
      const found = await pointOf(core, who, id, point)
      if (!found.ok) return found
      const started = await core.volumes.revert(asking, id, found.value.snapshot.id)
      return accepted(core, asking, { kind: "volume-revert", volume: id }, started)
    },
  }),
]

async function pointOf(
  core: Core,
  who: Principal,
  volume: VolumeId,
  id: PointId,
): Promise<Result<PointView>> {
  const found = await core.snapshots.point(who, id)
  if (!found.ok) return found
  const { point, snapshot } = found.value
  return point.volumeId === volume && snapshot.state !== "failed" ? found : noSuchPoint(id)
}

const noSuchPoint = (id: string) => no({ kind: "not-found", what: "point", id })
