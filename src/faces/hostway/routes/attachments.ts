import { no, ok, type Result } from "../../../domain/fault.ts"
import { hasEnded, type Operation } from "../../../domain/operation.ts"
import type { Answer, Route } from "../../face.ts"
import { type AskedOfServer, idIn, serverRoute } from "../route.ts"
import { AttachmentWish, renderAttachment } from "../wire/volume.ts"

const path = "/os-volume_attachments"

/** A guest that notices a disk, or lets go of it, does so sooner. */
const patienceMs = 30_000

export const attachmentRoutes: readonly Route[] = [
  ...serverRoute({
    method: "POST",
    paths: [path],
    body: AttachmentWish,
    lasting: true,
    async answer(asked) {
      const { core, asking, server, body } = asked
      const { volumeId } = body.volumeAttachment
      const begun = await core.machines.attach(asking, server, volumeId)
      if (!begun.ok) return begun
      const { resource, operation } = begun.value
      const volume = resource.disks.find(({ id }) => id === volumeId)
      const volumeAttachment = volume === undefined ? {} : renderAttachment(volume)
      return await afterwards(asked, operation, { status: 200, body: { volumeAttachment } })
    },
  }),
  ...serverRoute({
    method: "GET",
    paths: [path],
    async answer({ core, who, server }) {
      const found = await core.machines.get(who, server)
      if (!found.ok) return found
      const extras = found.value.disks.filter(({ role }) => role === "extra")
      return ok({ status: 200, body: { volumeAttachments: extras.map(renderAttachment) } })
    },
  }),
  ...serverRoute({
    method: "DELETE",
    paths: [`${path}/:volume`],
    lasting: true,
    async answer(asked) {
      const { core, who, asking, server, request } = asked
      const volume = idIn("volume", request.params["volume"])
      if (!volume.ok) return volume
      const found = await core.machines.get(who, server)
      if (!found.ok) return found
      const extras = found.value.disks.filter(({ role }) => role === "extra")
      if (!extras.some(({ id }) => id === volume.value)) {
        return no({ kind: "not-found", what: "volume", id: volume.value })
      }
      const begun = await core.machines.detach(asking, server, volume.value)
      return begun.ok ? await afterwards(asked, begun.value.operation, { status: 204 }) : begun
    },
  }),
]

/**
 * 200 and 204 say that it is done, and whoever reads them goes on at once: with the disk, or with
 * what an attached volume forbids. What takes longer than is worth waiting for is told as accepted.
 */
async function afterwards(
  { core, who }: AskedOfServer,
  { id }: Operation,
  done: Answer,
): Promise<Result<Answer>> {
  const waited = await core.operations.wait(who, id, patienceMs)
  if (!waited.ok) return waited
  const { state, fault, reason } = waited.value
  if (!hasEnded(state)) return ok({ ...done, status: 202 })
  if (state === "done") return ok(done)
  return no(fault ?? { kind: "failed", operationId: id, why: reason ?? `it is ${state}` })
}
