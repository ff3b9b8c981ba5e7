import type { z } from "zod"
import type { Core, MachineView } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import { parseId } from "../../../domain/ids.ts"
import type { Answer, Route } from "../../face.ts"
import { read } from "../../read.ts"
import { hrefOf } from "../links.ts"
import { wholeList } from "../pages.ts"
import { type Asked, route, serverRoute } from "../route.ts"
import {
  renderInList,
  renderServer,
  ServerChange,
  ServerQuery,
  ServerWish,
  statesOf,
  statusOf,
} from "../wire/server.ts"
import { zone } from "../wire/words.ts"

export const serverRoutes: readonly Route[] = [
  ...route({
    method: "POST",
    paths: ["/servers"],
    body: ServerWish,
    async answer(asked) {
      const { name, imageRef: imageId, flavorRef, metadata } = asked.body.server
      const { memoryMiB, cpus } = flavorRef
      const wish = { name, imageId, memoryMiB, cpus, metadata }
      const made = await asked.core.machines.create(asked.asking, wish)
      if (!made.ok) return made
      const { resource } = made.value
      const Location = hrefOf(asked.place, "servers", resource.id)
      return await told(asked, resource, { status: 202, headers: { Location } })
    },
  }),
  ...route({
    method: "GET",
    paths: ["/servers"],
    async answer({ core, who, request, place }) {
      const query = read(ServerQuery, request.query)
      if (!query.ok) return query
      const found = await matching(core, who, query.value)
      if (!found.ok) return found
      const servers = found.value.map((machine) => renderInList(machine, place))
      return ok({ status: 200, body: { servers } })
    },
  }),
  ...serverRoute({
    method: "GET",
    paths: [""],
    async answer(asked) {
      const found = await asked.core.machines.get(asked.who, asked.server)
      return found.ok ? await told(asked, found.value, { status: 200 }) : found
    },
  }),
  ...serverRoute({
    method: "PUT",
    paths: [""],
    body: ServerChange,
    async answer(asked) {
      const { name } = asked.body.server
      const changed = await asked.core.machines.change(asked.asking, asked.server, { name })
      return changed.ok ? await told(asked, changed.value, { status: 200 }) : changed
    },
  }),
  ...serverRoute({
    method: "DELETE",
    paths: [""],
    async answer({ core, asking, server }) {
      const gone = await core.machines.remove(asking, server)
      return gone.ok ? ok({ status: 204 }) : gone
    },
  }),
]

async function told(
  { core, who, place }: Asked,
  machine: MachineView,
  answer: Answer,
): Promise<Result<Answer>> {
  const account = await core.identity.account(machine.accountId)
  const found = await core.images.get(who, machine.imageId)
  const about = { account, image: found.ok ? found.value : undefined }
  return ok({ ...answer, body: { server: renderServer(machine, about, place) } })
}

/** An image or a zone that there is not has no servers. */
async function matching(
  core: Core,
  who: Principal,
  query: z.output<typeof ServerQuery>,
): Promise<Result<MachineView[]>> {
  const { name, status, image, zone: inZone = zone.zone, region = zone.location } = query
  const state = statesOf(status)
  const imageId = image === undefined ? undefined : parseId<"image">(image)
  const nowhere = inZone !== zone.zone || region !== zone.location
  const noImage = image !== undefined && imageId === undefined
  if (nowhere || noImage || state.length === 0) return ok([])
  const where = {
    state,
    ...(name === undefined ? {} : { name }),
    ...(imageId === undefined ? {} : { imageId }),
  }
  const all = await wholeList(
    (page) => core.machines.list(who, { ...where, ...page }),
    ({ id }) => id,
  )
  return all.ok ? ok(all.value.filter((each) => status.includes(statusOf(each)))) : all
}
