/** Identity v2.0, as Rackspace's clients and the old ones of OpenStack speak it. */
import type { Core } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { no, type Result } from "../../../domain/fault.ts"
import type { Answer, Request, Route } from "../../face.ts"
import type { OpenstackSettings } from "../../settings.ts"
import { issue, renderTenant, renderV2, type Told } from "./issue.ts"
import { loginAt } from "./keystone-login.ts"
import { bodyOf, gone, inBothPlaces, json } from "./told.ts"
import { readLogin } from "./v2-wish.ts"

async function login(core: Core, settings: OpenstackSettings, request: Request) {
  const body = bodyOf(request)
  if (!body.ok) return body
  const wish = readLogin(body.value)
  if (!wish.ok) return wish
  const { keystone } = settings
  const told =
    keystone === null
      ? await issue(core, settings, wish.value)
      : await loginAt(keystone, core, wish.value)
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
