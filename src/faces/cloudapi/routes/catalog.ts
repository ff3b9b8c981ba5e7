import { ok } from "../../../domain/fault.ts"
import { parseId } from "../../../domain/ids.ts"
import type { Route } from "../../face.ts"
import { json, refused, shown } from "../answers.ts"
import { everyPage } from "../covering.ts"
import { route } from "../route.ts"
import { isWanted as isWantedImage, renderImage } from "../wire/image.ts"
import {
  isWanted as isWantedPackage,
  packageNamed,
  packages,
  renderPackage,
} from "../wire/package.ts"

export const catalogRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/:account/images",
    async answer({ core, who, params, dialect }) {
      const all = await everyPage((page) => core.images.list(who, page))
      return shown(all, (images) =>
        images
          .map((image) => renderImage(image, dialect))
          .filter((image) => isWantedImage(image, params)),
      )
    },
  }),
  route({
    method: "GET",
    path: "/:account/images/:id",
    async answer({ core, who, request, dialect }) {
      const id = parseId<"image">(request.params["id"] ?? "")
      if (id === undefined) return refused("ResourceNotFound", "image not found")
      return shown(await core.images.get(who, id), (image) => renderImage(image, dialect))
    },
  }),
  route({
    method: "GET",
    path: "/:account/packages",
    answer: async ({ params }) =>
      ok(json(packages.map(renderPackage).filter((each) => isWantedPackage(each, params)))),
  }),
  route({
    method: "GET",
    path: "/:account/packages/:id",
    async answer({ request }) {
      const { id = "" } = request.params
      const found = packageNamed(id)
      return found === undefined
        ? refused("ResourceNotFound", `package ${id.slice(0, 64)} not found`)
        : ok(json(renderPackage(found)))
    },
  }),
]
