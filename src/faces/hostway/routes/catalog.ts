/** What there is to choose from: zones, flavors, images. */
import { ok } from "../../../domain/fault.ts"
import type { Route } from "../../face.ts"
import { nothingHere } from "../faults.ts"
import { wholeList } from "../pages.ts"
import { idIn, route } from "../route.ts"
import { flavors, flavorWith, renderFlavor } from "../wire/flavor.ts"
import { renderImage } from "../wire/image.ts"
import { zone } from "../wire/words.ts"

export const catalogRoutes: readonly Route[] = [
  ...route({
    method: "GET",
    paths: ["/zones"],
    async answer({ core, who }) {
      const account = await core.identity.account(who.accountId)
      return ok({ status: 200, body: { [String(account?.accountNumber ?? "")]: [zone] } })
    },
  }),
  ...route({
    method: "GET",
    paths: ["/flavors", "/flavors/detail"],
    async answer({ place }) {
      const body = { flavors: flavors.map((flavor) => renderFlavor(flavor, place)) }
      return ok({ status: 200, body })
    },
  }),
  ...route({
    method: "GET",
    paths: ["/flavors/:flavor"],
    async answer({ place, request }) {
      const { flavor: given = "" } = request.params
      const flavor = /^\d{1,9}$/.test(given) ? flavorWith(Number(given)) : undefined
      if (flavor === undefined) return ok(nothingHere("flavor", given, request))
      return ok({ status: 200, body: { flavor: renderFlavor(flavor, place) } })
    },
  }),
  ...route({
    method: "GET",
    paths: ["/images", "/images/detail"],
    async answer({ core, who, place }) {
      const found = await wholeList(
        (page) => core.images.list(who, page),
        ({ id }) => id,
      )
      if (!found.ok) return found
      const there = found.value.filter(({ state }) => state === "creating" || state === "ready")
      return ok({ status: 200, body: { images: there.map((image) => renderImage(image, place)) } })
    },
  }),
  ...route({
    method: "GET",
    paths: ["/images/:image"],
    async answer({ core, who, place, request }) {
      const id = idIn("image", request.params["image"])
      if (!id.ok) return id
      const found = await core.images.get(who, id.value)
      if (!found.ok) return found
      return ok({ status: 200, body: { image: renderImage(found.value, place) } })
    },
  }),
]
