/** As much of the rest as clients need to name a place, a project, an image and a size. */
import type { Core } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import type { Answer, Route } from "../../face.ts"
import { flavors } from "../flavors.ts"
import { ListQuery, listed, type Shown } from "../listing.ts"
import { route } from "../route.ts"
import { notHere } from "../service-error.ts"
import { renderProject, renderZone } from "../wire/place.ts"
import { base, type Owner, ownerOf, place } from "../wire/words.ts"

const mostImages = 1000

/** The one zone, the one project: what is asked of long lists works on short ones too. */
function fewListed(things: readonly Shown[], query: ListQuery): Promise<Result<Answer>> {
  const source = {
    list: async ({ limit, offset }: { limit: number; offset: number }) =>
      ok(things.slice(offset, offset + limit)),
    count: async () => ok(things.length),
    render: (thing: Shown) => thing,
    required: ["id", "_links"],
  }
  return listed(source, query)
}

export const inventoryRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: `${base}/zones`,
    query: ListQuery,
    answer: async ({ core, who, query }) =>
      fewListed([renderZone(await ownerOf(core, who.accountId))], query),
  }),
  route({
    method: "GET",
    path: `${base}/zones/:zone`,
    answer: async ({ core, who, request }) =>
      request.params["zone"] === place
        ? ok({ status: 200, body: renderZone(await ownerOf(core, who.accountId)) })
        : ok(notHere("zone", request.params["zone"], request)),
  }),
  route({
    method: "GET",
    path: `${base}/projects`,
    query: ListQuery,
    answer: async ({ core, who, query }) =>
      fewListed([renderProject(await ownerOf(core, who.accountId))], query),
  }),
  route({
    method: "GET",
    path: `${base}/projects/:project`,
    async answer({ core, who, request }) {
      const owner = await projectOf(core, who, request.params["project"] ?? "")
      return owner === undefined
        ? ok(notHere("project", request.params["project"], request))
        : ok({ status: 200, body: renderProject(owner) })
    },
  }),
  route({
    method: "GET",
    path: `${base}/images`,
    async answer({ core, who }) {
      const found = await core.images.list(who, { limit: mostImages })
      if (!found.ok) return found
      const ready = found.value.filter(({ state }) => state === "ready")
      const mapping = Object.fromEntries(
        ready.map(({ id, name }) => [
          name,
          { id, name, externalId: id, externalRegionId: place, _links: {} },
        ]),
      )
      return mappings(mapping)
    },
  }),
  route({
    method: "GET",
    path: `${base}/flavors`,
    async answer() {
      const mapping = flavors.map(({ name, cpus, memoryMiB }) => [
        name,
        { id: name, name, cpuCount: cpus, memoryInMB: memoryMiB },
      ])
      return mappings(Object.fromEntries(mapping))
    },
  }),
  route({
    method: "GET",
    path: `${base}/deployments`,
    query: ListQuery,
    answer: async ({ query }) => fewListed([], query),
  }),
  route({
    method: "GET",
    path: `${base}/deployments/:deployment`,
    answer: async ({ request }) => ok(notHere("deployment", request.params["deployment"], request)),
  }),
]

/** One mapping for the one region. */
function mappings(mapping: object): Result<Answer> {
  const content = [{ mapping, externalRegionId: place, _links: {} }]
  return ok({ status: 200, body: { content, numberOfElements: 1, totalElements: 1 } })
}

/** By its id, which is the account's tenant id, and by nothing else. */
async function projectOf(core: Core, who: Principal, id: string): Promise<Owner | undefined> {
  const found = /^[0-9a-f]{32}$/.test(id) ? await core.identity.actFor(who, id) : undefined
  return found?.ok ? await ownerOf(core, found.value.accountId) : undefined
}
