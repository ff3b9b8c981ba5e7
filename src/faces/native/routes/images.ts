import type { Route } from "../../face.ts"
import { accepted, finished, page, shown } from "../answers.ts"
import { route } from "../route.ts"
import { upload } from "../transfer.ts"
import { Image, ImagePage, ImageQuery, renderImage } from "../wire/image.ts"
import { ListQuery, startedOf } from "../wire/words.ts"

const tag = "images"
const Started = startedOf(Image, "ImageStarted")

export const imageRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/api/images/demo",
    tag,
    summary: "Builds the demo image, or finds it",
    answers: { 202: Started },
    answer: async ({ core, asking }) => accepted(await core.images.buildDemo(asking), renderImage),
  }),
  route({
    method: "POST",
    path: "/api/images",
    streaming: true,
    tag,
    summary: "Takes an image, which is the body; answers when it is ready",
    query: ImageQuery,
    answers: { 201: Started },
    answer: ({ core, asking, query: { name, sizeBytes, ...told }, request }) =>
      upload(request, { ...told, diskBytes: sizeBytes ?? null }, async (source) => {
        const started = await core.images.importFrom(asking, {
          name,
          format: told.format,
          source,
        })
        return finished(started, renderImage, 201)
      }),
  }),
  route({
    method: "GET",
    path: "/api/images",
    tag,
    summary: "The account's images and the public ones",
    query: ListQuery,
    answers: { 200: ImagePage },
    answer: ({ core, who, query }) => page(query, (one) => core.images.list(who, one), renderImage),
  }),
  route({
    method: "GET",
    path: "/api/images/:id",
    resource: "image",
    tag,
    summary: "One image",
    answers: { 200: Image },
    answer: async ({ core, who, id }) => shown(await core.images.get(who, id), renderImage),
  }),
  route({
    method: "DELETE",
    path: "/api/images/:id",
    resource: "image",
    tag,
    summary: "Deletes an image; machines made from it live on",
    answers: { 202: Started },
    answer: async ({ core, asking, id }) =>
      accepted(await core.images.remove(asking, id), renderImage),
  }),
]
