/** Application credentials: secrets for programs, made and taken back by the user they act as. */
import { z } from "zod"
import type { Core } from "../../../core/core.ts"
import type { AppCredential, Principal, Role } from "../../../domain/account.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import { type AppCredentialId, parseId } from "../../../domain/ids.ts"
import { askingOf } from "../../asking.ts"
import type { Answer, Request, Route } from "../../face.ts"
import { read } from "../../read.ts"
import { baseOf } from "../addresses.ts"
import { renderRoles, timeOf } from "./issue.ts"
import { withDashes, withoutDashes } from "./prove.ts"
import { bodyOf, gone, inBothPlaces, json } from "./told.ts"

const text = z.string().max(4096)
const roles = ["admin", "member", "reader"] as const satisfies readonly Role[]
/** By name or id, which are the same here. */
const RoleRef = z
  .object({ id: z.enum(roles).optional(), name: z.enum(roles).optional() })
  .transform(({ id, name }) => name ?? id)
const notATime = "must be a time such as 2026-01-31T12:00:00.000000"

const Wish = z.object({
  application_credential: z.object({
    name: text.min(1),
    description: text.nullish(),
    secret: text.min(1).nullish(),
    roles: z.array(RoleRef).min(1).max(16).nullish(),
    /** Without a zone it is UTC. */
    expires_at: text
      .transform((time) => Date.parse(/(Z|[+-]\d\d:?\d\d)$/.test(time) ? time : `${time}Z`))
      .refine((time) => Number.isFinite(time), notATime)
      .nullish(),
  }),
})

async function account(core: Core, { accountId }: Pick<AppCredential, "accountId">) {
  return (await core.identity.account(accountId))?.tenantId ?? null
}

const render = (credential: AppCredential, projectId: string | null, base: string) => {
  const { id, name, description, role, expiresAt, userId } = credential
  const self = `${base}/identity/v3/users/${withoutDashes(userId)}/application_credentials`
  return {
    id: withoutDashes(id),
    name,
    description,
    project_id: projectId,
    roles: renderRoles(role),
    unrestricted: false,
    expires_at: expiresAt === null ? null : timeOf(expiresAt),
    system: null,
    links: { self: `${self}/${withoutDashes(id)}` },
  }
}

/** Only one's own: another user's are not there, whoever asks. */
function mine({ userId }: Principal, { params }: Request): Result<null> {
  const user = params["user"] ?? ""
  if (withDashes(user).toLowerCase() === userId) return ok(null)
  return no({ kind: "not-found", what: "user", id: user })
}

async function create(core: Core, who: Principal, request: Request): Promise<Result<Answer>> {
  const own = mine(who, request)
  if (!own.ok) return own
  const body = bodyOf(request)
  if (!body.ok) return body
  const wish = read(Wish, body.value)
  if (!wish.ok) return wish
  const asked = wish.value.application_credential
  const { name, description, secret, expires_at: expiresAt } = asked
  const role = roles.find((each) => asked.roles?.includes(each))
  const made = await core.identity.addAppCredential(askingOf("openstack", who, request), {
    name,
    ...(description ? { description } : {}),
    ...(secret ? { secret } : {}),
    ...(role === undefined ? {} : { role }),
    ...(expiresAt ? { expiresAt } : {}),
  })
  if (!made.ok) return made
  const { credential, secret: told } = made.value
  const shown = render(credential, await account(core, credential), baseOf(request))
  return json(201, { application_credential: { ...shown, secret: told } })
}

async function list(core: Core, who: Principal, request: Request): Promise<Result<Answer>> {
  const found = await ofUser(core, who, request)
  if (!found.ok) return found
  const { name } = request.query
  const shown: object[] = []
  for (const each of found.value) {
    if (name !== undefined && name !== each.name) continue
    shown.push(render(each, await account(core, each), baseOf(request)))
  }
  const links = { self: `${baseOf(request)}${request.path}`, previous: null, next: null }
  return json(200, { application_credentials: shown, links })
}

async function ofUser(core: Core, who: Principal, request: Request) {
  const own = mine(who, request)
  return own.ok ? core.identity.listAppCredentials(who) : own
}

async function show(core: Core, who: Principal, request: Request): Promise<Result<Answer>> {
  const found = await ofUser(core, who, request)
  if (!found.ok) return found
  const id = idOf(request)
  const credential = found.value.find((each) => each.id === id)
  if (credential === undefined) return unknown(request)
  const shown = render(credential, await account(core, credential), baseOf(request))
  return json(200, { application_credential: shown })
}

async function remove(core: Core, who: Principal, request: Request): Promise<Result<Answer>> {
  const own = mine(who, request)
  if (!own.ok) return own
  const id = idOf(request)
  if (id === undefined) return unknown(request)
  const removed = await core.identity.removeAppCredential(askingOf("openstack", who, request), id)
  return removed.ok ? gone : removed
}

const idOf = ({ params }: Request): AppCredentialId | undefined =>
  parseId<"app-credential">(withDashes(params["credential"] ?? ""))

const unknown = ({ params }: Request) =>
  no({ kind: "not-found", what: "app-credential", id: params["credential"] ?? "" })

const all = "/v3/users/:user/application_credentials"

export const appCredentialRoutes: readonly Route[] = inBothPlaces([
  { method: "POST", path: all, answer: create },
  { method: "GET", path: all, answer: list },
  { method: "GET", path: `${all}/:credential`, answer: show },
  { method: "DELETE", path: `${all}/:credential`, answer: remove },
])
