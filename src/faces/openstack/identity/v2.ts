/** Identity v2.0, as Rackspace's clients and the old ones of OpenStack speak it. */
import { z } from "zod"
import type { Core } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { no, type Result } from "../../../domain/fault.ts"
import type { Answer, Request, Route } from "../../face.ts"
import { read } from "../../read.ts"
import type { OpenstackSettings } from "../../settings.ts"
import { issue, renderTenant, renderV2, type Told } from "./issue.ts"
import type { Proof } from "./prove.ts"
import { bodyOf, gone, inBothPlaces, json } from "./told.ts"

const text = z.string().max(1024)
/** Account numbers come as numbers, too. */
const account = z.union([text, z.number().transform(String)]).nullish()

const Wish = z.object({
  auth: z.object({
    passwordCredentials: z.object({ username: text, password: text }).optional(),
    "RAX-KSKEY:apiKeyCredentials": z.object({ username: text, apiKey: text }).optional(),
    token: z.object({ id: text }).optional(),
    tenantId: account,
    tenantName: account,
  }),
})
type Auth = z.output<typeof Wish>["auth"]

const methods = { password: "password", "api-key": "apikey", token: "token" } as const

function proofOf(auth: Auth): (Proof & { by: keyof typeof methods }) | undefined {
  const { passwordCredentials, "RAX-KSKEY:apiKeyCredentials": key, token } = auth
  if (passwordCredentials !== undefined) {
    const { username: name, password } = passwordCredentials
    return { by: "password", user: { name }, password }
  }
  if (key !== undefined) return { by: "api-key", user: { name: key.username }, apiKey: key.apiKey }
  return token === undefined ? undefined : { by: "token", token: token.id }
}

async function login(core: Core, settings: OpenstackSettings, request: Request) {
  const body = bodyOf(request)
  if (!body.ok) return body
  const wish = read(Wish, body.value)
  if (!wish.ok) return wish
  const { auth } = wish.value
  const proof = proofOf(auth)
  if (proof === undefined) {
    return no({ kind: "invalid", why: "Expecting to find passwordCredentials or token in auth" })
  }
  const account = auth.tenantId || auth.tenantName || undefined
  const story = { methods: [methods[proof.by]], scoped: true }
  const told = await issue(core, settings, { proof, account, story })
  return told.ok ? json(200, renderV2(told.value, settings, request)) : told
}

/** The one in the path; who is not its user learns no more than of one that never was. */
async function subject(core: Core, who: Principal, request: Request): Promise<Result<Told>> {
  const token = request.params["token"] ?? ""
  const found = await core.identity.describeToken(token)
  const allowed = found.ok && (who.everywhere || found.value.user.id === who.userId)
  if (allowed) return { ok: true, value: { ...found.value, token } }
  return no({ kind: "not-found", what: "token", id: "in the path" })
}

async function validate(
  core: Core,
  who: Principal,
  request: Request,
  settings: OpenstackSettings,
): Promise<Result<Answer>> {
  const told = await subject(core, who, request)
  return told.ok ? json(200, renderV2(told.value, settings, request)) : told
}

async function revoke(core: Core, who: Principal, request: Request): Promise<Result<Answer>> {
  const told = await subject(core, who, request)
  if (!told.ok) return told
  const revoked = await core.identity.revokeToken(who, told.value.token)
  return revoked.ok ? gone : revoked
}

async function tenants(core: Core, who: Principal): Promise<Result<Answer>> {
  const account = await core.identity.account(who.accountId)
  const shown = account === undefined ? [] : [renderTenant(account)]
  return json(200, { tenants: shown, tenants_links: [] })
}

const noExtensions = async () => json(200, { extensions: { values: [] } })

export const identityV2 = (settings: OpenstackSettings): Route[] =>
  inBothPlaces([
    {
      method: "POST",
      path: "/v2.0/tokens",
      open: true,
      answer: (core, _who, request) => login(core, settings, request),
    },
    {
      method: "GET",
      path: "/v2.0/tokens/:token",
      answer: (core, who, request) => validate(core, who, request, settings),
    },
    { method: "DELETE", path: "/v2.0/tokens/:token", answer: revoke },
    { method: "GET", path: "/v2.0/tenants", answer: tenants },
    { method: "GET", path: "/v2.0/extensions", open: true, answer: noExtensions },
  ])
