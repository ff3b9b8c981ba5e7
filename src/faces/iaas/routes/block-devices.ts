import { z } from "zod"
import type { Core } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { type Fault, no, ok, type Result } from "../../../domain/fault.ts"
import type { VolumeId } from "../../../domain/ids.ts"
import type { Volume } from "../../../domain/volume.ts"
import type { Route } from "../../face.ts"
import { accepted } from "../accepted.ts"
import { hindered } from "../hindrance.ts"
import { ListQuery, listed } from "../listing.ts"
import { askingIn } from "../project.ts"
import { route } from "../route.ts"
import {
  BlockDeviceSpecification,
  isPersistent,
  mostGigabytes,
  persistenceOf,
  renderDisk,
} from "../wire/disk.ts"
import { base, flag, gibibyte, ownerOf, wholeNumber } from "../wire/words.ts"

const path = `${base}/block-devices`
const forOne = { path: `${path}/:id`, ids: { id: "volume" } } as const
const required = ["id", "_links", "externalRegionId", "capacityInGB", "status"]
const Resize = z.object({ capacityInGB: wholeNumber(1, mostGigabytes) })
const Removal = z.object({ purge: flag.default(false) })

export const blockDeviceRoutes: readonly Route[] = [
  route({
    method: "GET",
    path,
    query: ListQuery,
    async answer({ core, who, query }) {
      const owner = await ownerOf(core, who.accountId)
      const source = {
        get: (id: string) => own(core, who, id as VolumeId),
        list: (page: { limit: number }) => core.volumes.list(who, page),
        count: () => core.volumes.count(who, { limit: 1 }),
        render: (volume: Volume) => renderDisk(volume, owner),
        required,
      }
      return listed(source, query)
    },
  }),
  route({
    method: "POST",
    path,
    body: BlockDeviceSpecification,
    async answer({ core, asking, body }) {
      const within = await askingIn(core, asking, body.projectId)
      if (!within.ok) return within
      const { name, description = "", tags = {}, customProperties, persistent } = body
      const made = await core.volumes.create(within.value, {
        name,
        sizeBytes: body.capacityInGB * gibibyte,
        description,
        tags,
        metadata: { ...customProperties, ...persistenceOf(persistent) },
      })
      return accepted(core, within.value, { kind: "volume-create" }, made)
    },
  }),
  route({
    ...forOne,
    method: "GET",
    async answer({ core, who, ids: { id } }) {
      const found = await core.volumes.get(who, id)
      if (!found.ok) return found
      const owner = await ownerOf(core, found.value.accountId)
      return ok({ status: 200, body: renderDisk(found.value, owner) })
    },
  }),
  route({
    ...forOne,
    method: "POST",
    query: Resize,
    async answer({ core, who, asking, ids: { id }, query }) {
      const found = await core.volumes.get(who, id)
      if (!found.ok) return found
      const sizeBytes = query.capacityInGB * gibibyte
      if (found.value.sizeBytes === sizeBytes) return ok({ status: 204 })
      const grown = await core.volumes.grow(asking, id, sizeBytes, { ifCovered: "refuse" })
      const told = await hindered(core, who, id, grown)
      return accepted(core, asking, { kind: "volume-grow", volume: id }, told)
    },
  }),
  route({
    ...forOne,
    method: "DELETE",
    query: Removal,
    async answer({ core, who, asking, ids: { id }, query: { purge } }) {
      const found = await core.volumes.get(who, id)
      if (!found.ok) return found
      const removed =
        isPersistent(found.value) && !purge
          ? no(mustBePurged(id))
          : await core.volumes.remove(asking, id, { cascade: false, recovery: "goes-along" })
      const told = await hindered(core, who, id, removed)
      return accepted(core, asking, { kind: "volume-delete", volume: id }, told)
    },
  }),
]

const mustBePurged = (id: VolumeId): Fault => ({
  kind: "wrong-state",
  what: "volume",
  id,
  is: "persistent",
  needs: ["deleted with purge=true"],
})

/** A list is of the asker's own account, also where an id alone would find others. */
async function own(core: Core, who: Principal, id: VolumeId): Promise<Result<Volume>> {
  const found = await core.volumes.get(who, id)
  const isOther = found.ok && found.value.accountId !== who.accountId
  return isOther ? no({ kind: "not-found", what: "volume", id }) : found
}
