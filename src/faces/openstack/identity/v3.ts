/** Identity v3: tokens, and the projects and catalog that belong to them. */
import type { Core } from "../../../core/core.ts"
import type { Account, Principal } from "../../../domain/account.ts"
import { no, type Result } from "../../../domain/fault.ts"
import type { Answer, Request, Route } from "../../face.ts"
import type { OpenstackSettings } from "../../settings.ts"
import { baseOf } from "../addresses.ts"
import { catalogV3 } from "./catalog.ts"
import { domain, issue, renderV3, type Told } from "./issue.ts"
import { bodyOf, gone, headerOf, inBothPlaces, json } from "./told.ts"
import { readLogin } from "./v3-wish.ts"

async function login(
  core: Core,
  settings: OpenstackSettings,
  request: Request,
): Promise<Result<Answer>> {
  const body = bodyOf(request)
  if (!body.ok) return body
  const wish = readLogin(body.value)
  if (!wish.ok) return wish
  const told = await issue(core, settings, wish.value)
  if (!told.ok) return told
  const how = { catalog: request.query["nocatalog"] === undefined }
  return json(201, renderV3(told.value, settings, request, how), {
    "X-Subject-Token": told.value.token,
    Vary: "X-Auth-Token",
  })
}

/** Who may not look at a token learns no more than of one that never was. */
async function subject(core: Core, who: Principal, request: Request): Promise<Result<Told>> {
  const token = headerOf(request, "x-subject-token")
  if (token === undefined) {
    return no({ kind: "invalid", why: "the header X-Subject-Token is needed" })
  }
  const found = await core.identity.describeToken(token)
  const allowed = found.ok && (who.everywhere || found.value.user.id === who.userId)
  if (allowed) return { ok: true, value: { ...found.value, token } }
  return no({ kind: "not-found", what: "token", id: "in X-Subject-Token" })
}

async function validate(
  core: Core,
  who: Principal,
  request: Request,
  settings: OpenstackSettings,
): Promise<Result<Answer>> {
  const told = await subject(core, who, request)
  if (!told.ok) return told
  const how = { catalog: request.query["nocatalog"] === undefined }
  const headers = { "X-Subject-Token": told.value.token, Vary: "X-Auth-Token" }
  return json(200, renderV3(told.value, settings, request, how), headers)
}

async function revoke(core: Core, who: Principal, request: Request): Promise<Result<Answer>> {
  const told = await subject(core, who, request)
  if (!told.ok) return told
  const revoked = await core.identity.revokeToken(who, told.value.token)
  return revoked.ok ? gone : revoked
}

const renderProject = ({ tenantId, login: name }: Account, base: string) => ({
  id: tenantId,
  name,
  description: "",
  domain_id: domain.id,
  parent_id: domain.id,
  enabled: true,
  is_domain: false,
  tags: [],
  options: {},
  links: { self: `${base}/identity/v3/projects/${tenantId}` },
})

async function projects(core: Core, who: Principal, request: Request): Promise<Result<Answer>> {
  const account = await core.identity.account(who.accountId)
  const base = baseOf(request)
  const { name } = request.query
  const shown = account === undefined || (name !== undefined && name !== account.login)
  const links = { self: `${base}${request.path}`, previous: null, next: null }
  return json(200, { projects: shown ? [] : [renderProject(account, base)], links })
}

/** One's own by its id or name; the administrator may look at any. */
async function project(core: Core, who: Principal, request: Request): Promise<Result<Answer>> {
  const ref = request.params["project"] ?? ""
  const acting = await core.identity.actFor(who, ref)
  const account = acting.ok ? await core.identity.account(acting.value.accountId) : undefined
  if (account === undefined) return no({ kind: "not-found", what: "account", id: ref })
  return json(200, { project: renderProject(account, baseOf(request)) })
}

async function catalog(
  core: Core,
  who: Principal,
  request: Request,
  { region }: OpenstackSettings,
): Promise<Result<Answer>> {
  const account = await core.identity.account(who.accountId)
  if (account === undefined) return no({ kind: "not-found", what: "account", id: who.accountId })
  const base = baseOf(request)
  const links = { self: `${base}${request.path}`, previous: null, next: null }
  return json(200, { catalog: catalogV3({ base, region, account }), links })
}

export const identityV3 = (settings: OpenstackSettings): Route[] =>
  inBothPlaces([
    {
      method: "POST",
      path: "/v3/auth/tokens",
      open: true,
      answer: (core, _who, request) => login(core, settings, request),
    },
    {
      method: "GET",
      path: "/v3/auth/tokens",
      answer: (core, who, request) => validate(core, who, request, settings),
    },
    { method: "DELETE", path: "/v3/auth/tokens", answer: revoke },
    { method: "GET", path: "/v3/auth/projects", answer: projects },
    { method: "GET", path: "/v3/projects", answer: projects },
    { method: "GET", path: "/v3/projects/:project", answer: project },
    {
      method: "GET",
      path: "/v3/auth/catalog",
      answer: (core, who, request) => catalog(core, who, request, settings),
    },
  ])
