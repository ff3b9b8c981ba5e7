import { z } from "zod"
import { no, ok } from "../../../domain/fault.ts"
import { parseId } from "../../../domain/ids.ts"
import type { Volume } from "../../../domain/volume.ts"
import type { Route } from "../../face.ts"
import { accepted } from "../accepted.ts"
import { route } from "../route.ts"
import { renderDisk } from "../wire/disk.ts"
import { base, ownerOf } from "../wire/words.ts"

const path = `${base}/machines/:id/disks`
const ofMachine = { path, ids: { id: "machine" } } as const
const forOne = { path: `${path}/:diskId`, ids: { id: "machine", diskId: "volume" } } as const
/** Controllers and unit numbers are accepted; a disk takes the next free slot. */
const DiskAttachmentSpecification = z.object({ blockDeviceId: z.string().min(1).max(255) })

export const machineDiskRoutes: readonly Route[] = [
  route({
    ...ofMachine,
    method: "GET",
    async answer({ core, who, ids: { id } }) {
      const found = await core.machines.get(who, id)
      if (!found.ok) return found
      const owner = await ownerOf(core, found.value.accountId)
      const content = found.value.disks.map((disk) => renderDisk(disk, owner))
      const total = content.length
      return ok({ status: 200, body: { content, numberOfElements: total, totalElements: total } })
    },
  }),
  route({
    ...ofMachine,
    method: "POST",
    body: DiskAttachmentSpecification,
    async answer({ core, asking, ids: { id }, body }) {
      const volume = parseId<"volume">(body.blockDeviceId)
      if (volume === undefined) return noSuchDisk(body.blockDeviceId)
      const started = await core.machines.attach(asking, id, volume)
      // This one is 200 with a tracker, and all the others are 202.
      return accepted(core, asking, { kind: "machine-attach", machine: id }, started, 200)
    },
  }),
  route({
    ...forOne,
    method: "GET",
    async answer({ core, who, ids: { id, diskId } }) {
      const found = await core.machines.get(who, id)
      if (!found.ok) return found
      const disk = diskOf(found.value.disks, diskId)
      if (disk === undefined) return noSuchDisk(diskId)
      return ok({ status: 200, body: renderDisk(disk, await ownerOf(core, disk.accountId)) })
    },
  }),
  route({
    ...forOne,
    method: "DELETE",
    async answer({ core, who, asking, ids: { id, diskId } }) {
      const found = await core.machines.get(who, id)
      if (!found.ok) return found
      if (diskOf(found.value.disks, diskId) === undefined) return noSuchDisk(diskId)
      const started = await core.machines.detach(asking, id, diskId, { ifCovered: "refuse" })
      return accepted(core, asking, { kind: "machine-detach", machine: id }, started)
    },
  }),
]

const diskOf = <V extends Volume>(disks: readonly V[], id: string) =>
  disks.find((disk) => disk.id === id)
const noSuchDisk = (id: string) => no({ kind: "not-found", what: "volume", id })
