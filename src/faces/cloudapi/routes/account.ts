import { no, ok, type Result } from "../../../domain/fault.ts"
import type { Answer, Request, Route } from "../../face.ts"
import type { CloudapiSettings } from "../../settings.ts"
import { json, refusal, refused, shown } from "../answers.ts"
import { type Asked, route } from "../route.ts"
import { versions } from "../versions.ts"
import { renderAccount, renderLimits } from "../wire/account.ts"

export const accountRoutes = ({ datacenter }: CloudapiSettings): readonly Route[] => [
  route({
    method: "GET",
    path: "/--ping",
    open: true,
    async answer() {
      const headers = { "Triton-Datacenter-Name": datacenter }
      return ok(json({ ping: "pong", cloudapi: { versions } }, 200, headers))
    },
  }),
  route({ method: "GET", path: "/:account", answer: showAccount }),
  route({
    method: "GET",
    path: "/:account/limits",
    answer: async ({ core, who }) => shown(await core.identity.usage(who), renderLimits),
  }),
  route({
    method: "GET",
    path: "/:account/datacenters",
    answer: async ({ request }) => ok(json({ [datacenter]: urlOf(request) })),
  }),
  route({
    method: "GET",
    path: "/:account/datacenters/:datacenter",
    async answer({ request }) {
      const { datacenter: name = "" } = request.params
      if (name !== datacenter) {
        return refused("ResourceNotFound", `datacenter ${name.slice(0, 64)} not found`)
      }
      const Location = urlOf(request)
      return ok(refusal("ResourceMoved", `${name} is at ${Location}`, { headers: { Location } }))
    },
  }),
  route({
    method: "GET",
    path: "/:account/services",
    answer: async ({ request }) => ok(json({ cloudapi: urlOf(request) })),
  }),
]

/** Where the client reached us. */
const urlOf = ({ scheme, headers }: Request) => `${scheme}://${headers.host ?? "localhost"}`

async function showAccount({ core, who, dialect }: Asked): Promise<Result<Answer>> {
  const account = await core.identity.account(who.accountId)
  if (account === undefined) return no({ kind: "not-found", what: "account", id: who.accountId })
  return ok(json(renderAccount(account, dialect)))
}
