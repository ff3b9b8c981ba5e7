import type { SshKey } from "../../../domain/account.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import type { Answer, Request, Route } from "../../face.ts"
import type { CloudapiSettings } from "../../settings.ts"
import { emptied, json, refusal, refused, shown } from "../answers.ts"
import { type Asked, route } from "../route.ts"
import { versions } from "../versions.ts"
import { renderAccount, renderKey } from "../wire/account.ts"

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
    path: "/:account/keys",
    answer: async ({ core, who }) =>
      shown(await core.identity.listKeys(who), (keys) => keys.map(renderKey)),
  }),
  route({ method: "POST", path: "/:account/keys", answer: addKey }),
  route({
    method: "GET",
    path: "/:account/keys/:key",
    answer: async (asked) => shown(await keyOf(asked), renderKey),
  }),
  route({
    method: "DELETE",
    path: "/:account/keys/:key",
    async answer(asked) {
      const key = await keyOf(asked)
      if (!key.ok) return key
      const removed = await asked.core.identity.removeKey(asked.asking, key.value.fingerprint)
      return removed.ok ? ok(emptied(204)) : removed
    },
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

async function addKey({ core, asking, params, who }: Asked): Promise<Result<Answer>> {
  const { key: publicKey, name } = params
  if (publicKey === undefined || publicKey === "") {
    return refused("MissingParameter", "key is required", { field: "key" })
  }
  if (typeof publicKey !== "string" || (name !== undefined && typeof name !== "string")) {
    return refused("InvalidArgument", "name and key must be texts")
  }
  const wish = { publicKey, ...(name === undefined || name === "" ? {} : { name }) }
  const added = await core.identity.addKey(asking, wish)
  if (!added.ok) return added
  const account = await core.identity.account(who.accountId)
  const place = [account?.login ?? "my", "keys", added.value.name]
  const Location = `/${place.map(encodeURIComponent).join("/")}`
  return ok(json(renderKey(added.value), 201, { Location }))
}

/** By its name or its fingerprint. */
async function keyOf({ core, who, request }: Asked): Promise<Result<SshKey>> {
  const { key: ref = "" } = request.params
  const keys = await core.identity.listKeys(who)
  if (!keys.ok) return keys
  const found =
    keys.value.find(({ name }) => name === ref) ??
    keys.value.find(({ fingerprint }) => fingerprint === ref.toLowerCase())
  return found === undefined ? no({ kind: "not-found", what: "key", id: ref }) : ok(found)
}
