import type { Route } from "../../face.ts"
import { accepted, finished, page, shown } from "../answers.ts"
import { route } from "../route.ts"
import { download, upload } from "../transfer.ts"
import {
  renderVolume,
  Volume,
  VolumeChange,
  VolumeGrowWish,
  VolumePage,
  VolumeRemoval,
  VolumeRevertWish,
  VolumeWishRead,
} from "../wire/volume.ts"
import { DownloadQuery, ListQuery, startedOf, UploadQuery } from "../wire/words.ts"

const tag = "volumes"
const Started = startedOf(Volume, "VolumeStarted")

export const volumeRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/api/volumes",
    tag,
    summary: "Makes a volume: empty, from a snapshot, or as a copy of another",
    body: VolumeWishRead,
    answers: { 202: Started },
    answer: async ({ core, asking, body }) =>
      accepted(await core.volumes.create(asking, body), renderVolume),
  }),
  route({
    method: "GET",
    path: "/api/volumes",
    tag,
    summary: "The account's volumes, root volumes among them",
    query: ListQuery,
    answers: { 200: VolumePage },
    answer: ({ core, who, query }) =>
      page(query, (one) => core.volumes.list(who, one), renderVolume),
  }),
  route({
    method: "GET",
    path: "/api/volumes/:id",
    resource: "volume",
    tag,
    summary: "One volume",
    answers: { 200: Volume },
    answer: async ({ core, who, id }) => shown(await core.volumes.get(who, id), renderVolume),
  }),
  route({
    method: "PATCH",
    path: "/api/volumes/:id",
    resource: "volume",
    tag,
    summary: "Changes a volume's name and labels",
    body: VolumeChange,
    answers: { 200: Volume },
    answer: async ({ core, asking, id, body }) =>
      shown(await core.volumes.change(asking, id, body), renderVolume),
  }),
  route({
    method: "DELETE",
    path: "/api/volumes/:id",
    resource: "volume",
    tag,
    summary: "Deletes a volume; refused while it has snapshots, unless they are to go too",
    query: VolumeRemoval,
    answers: { 202: Started },
    answer: async ({ core, asking, id, query }) =>
      accepted(await core.volumes.remove(asking, id, query), renderVolume),
  }),
  route({
    method: "POST",
    path: "/api/volumes/:id/grow",
    resource: "volume",
    tag,
    summary: "Makes a volume larger; a machine that has it must be off",
    body: VolumeGrowWish,
    answers: { 202: Started },
    answer: async ({ core, asking, id, body }) =>
      accepted(await core.volumes.grow(asking, id, body.sizeBytes), renderVolume),
  }),
  route({
    method: "POST",
    path: "/api/volumes/:id/revert",
    resource: "volume",
    tag,
    summary: "Goes back to a snapshot; what it replaces is kept as a recovery snapshot",
    body: VolumeRevertWish,
    answers: { 202: Started },
    answer: async ({ core, asking, id, body }) =>
      accepted(await core.volumes.revert(asking, id, body.snapshotId), renderVolume),
  }),
  route({
    method: "PUT",
    path: "/api/volumes/:id/content",
    resource: "volume",
    streaming: true,
    tag,
    summary: "Replaces the content by the body; answers when all of it is durable",
    query: UploadQuery,
    answers: { 200: Started },
    answer: ({ core, asking, id, query, request }) =>
      upload(request, query, async (source) => {
        const started = await core.volumes.importFrom(asking, id, source)
        return finished(started, renderVolume, 200)
      }),
  }),
  route({
    method: "GET",
    path: "/api/volumes/:id/content",
    resource: "volume",
    lasting: true,
    tag,
    summary: "The content, as a stream",
    query: DownloadQuery,
    answers: { 200: "application/octet-stream" },
    answer: ({ core, asking, id, query, request }) =>
      download(request, query.format, (sink) => core.volumes.exportTo(asking, id, sink)),
  }),
]
