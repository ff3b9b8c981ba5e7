import { ok } from "../../../domain/fault.ts"
import { parseId } from "../../../domain/ids.ts"
import type { Image } from "../../../domain/image.ts"
import type { Route } from "../../face.ts"
import { json, refused, shown } from "../answers.ts"
import { everyPage } from "../covering.ts"
import { type Asked, route, type Told } from "../route.ts"
import type { Dialect } from "../versions.ts"
import { isWanted as isWantedImage, renderDataset, renderImage } from "../wire/image.ts"
import {
  isWanted as isWantedPackage,
  packageNamed,
  packages,
  renderPackage,
} from "../wire/package.ts"

export const catalogRoutes: readonly Route[] = [
  ...imageRoutes("images", renderImage).map(route),
  ...imageRoutes("datasets", renderDataset).map(until8).map(route),
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

function imageRoutes(
  noun: string,
  render: (image: Image, dialect: Dialect) => object,
): Told<Asked>[] {
  return [
    {
      method: "GET",
      path: `/:account/${noun}`,
      async answer({ core, who, params, dialect }) {
        const all = await everyPage((page) => core.images.list(who, page))
        return shown(all, (images) =>
          images
            .filter((image) => isWantedImage(renderImage(image, dialect), params))
            .map((image) => render(image, dialect)),
        )
      },
    },
    {
      method: "GET",
      path: `/:account/${noun}/:id`,
      async answer({ core, who, request, dialect }) {
        const id = parseId<"image">(request.params["id"] ?? "")
        if (id === undefined) return refused("ResourceNotFound", "image not found")
        return shown(await core.images.get(who, id), (image) => render(image, dialect))
      },
    },
  ]
}

/** Clients that ask for a later version are told so. */
function until8({ answer, ...told }: Told<Asked>): Told<Asked> {
  return {
    ...told,
    async answer(asked) {
      const { dialect, request } = asked
      if (!dialect.brands) return await answer(asked)
      const why = `${dialect.version} is not supported by ${request.method} ${request.path}`
      return refused("InvalidVersion", why)
    },
  }
}
