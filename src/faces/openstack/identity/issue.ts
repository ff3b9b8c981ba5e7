/** A token for somebody who has proved who he is, with all that is told of it. */
import { createHash } from "node:crypto"
import type { Core, TokenView } from "../../../core/core.ts"
import type { Role, TokenStory } from "../../../domain/account.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import type { Request } from "../../face.ts"
import type { OpenstackSettings } from "../../settings.ts"
import { baseOf } from "../addresses.ts"
import { catalogV2, catalogV3 } from "./catalog.ts"
import { actFor, type Proof, prove, stranger, withoutDashes } from "./prove.ts"

export type Told = TokenView & { token: string }
/** Of users of elsewhere, no more is known. */
export type ToldToV2 = Omit<Told, "user"> & { user: { id: string; name: string } }

/** `account`: a login, a tenant id or a number; default: the one that the proof is for. */
export async function issue(
  core: Core,
  { tokenLifeMs }: OpenstackSettings,
  { proof, account, story }: { proof: Proof; account: string | undefined; story: TokenStory },
): Promise<Result<Told>> {
  const proven = await prove(core, proof)
  if (!proven.ok) return proven
  const acting = await actFor(core, proven.value.who, account)
  if (!acting.ok) return acting
  const livesMs = Math.min(tokenLifeMs, proven.value.livesMs ?? tokenLifeMs)
  // What it was made of is as good as over.
  if (livesMs < 1000) return stranger
  const issued = await core.identity.issueToken(acting.value, { livesMs, story })
  if (!issued.ok) return issued
  const { token } = issued.value
  const view = await core.identity.describeToken(token)
  return view.ok ? ok({ ...view.value, token }) : view
}

/** As Keystone has it, whoever may do more may do the less, too. */
const rolesOf: Record<Role, readonly Role[]> = {
  admin: ["admin", "member", "reader"],
  member: ["member", "reader"],
  reader: ["reader"],
}
export const renderRoles = (role: Role) => rolesOf[role].map((name) => ({ id: name, name }))

/** What is told of tokens that were got elsewhere. */
const byPassword: TokenStory = { methods: ["password"], scoped: true }

const far = Date.UTC(9999, 11, 31)

export function renderV2(told: ToldToV2, { region }: OpenstackSettings, request: Request): object {
  const { token, account, user, who, expiresAt } = told
  const { methods } = told.story ?? byPassword
  const where = { base: baseOf(request), region, account }
  return {
    access: {
      token: {
        id: token,
        issued_at: new Date(told.issuedAt).toISOString(),
        expires: new Date(expiresAt ?? far).toISOString(),
        tenant: renderTenant(account),
        "RAX-AUTH:authenticatedBy": methods.map((method) => method.toUpperCase()),
      },
      serviceCatalog: catalogV2(where),
      user: {
        id: withoutDashes(user.id),
        name: user.name,
        username: user.name,
        roles: renderRoles(who.role),
        roles_links: [],
        "RAX-AUTH:defaultRegion": region,
      },
    },
  }
}

export const renderTenant = ({ accountNumber, login }: TokenView["account"]) => ({
  id: `${accountNumber}`,
  name: login,
  enabled: true,
  description: "",
})

export const domain = { id: "default", name: "Default" } as const

export function renderV3(
  told: Told,
  { region }: OpenstackSettings,
  request: Request,
  how: { catalog: boolean },
): object {
  const { account, user, who, expiresAt, issuedAt, token } = told
  const { methods, scoped } = told.story ?? byPassword
  const where = { base: baseOf(request), region, account }
  const scope = {
    project: { id: account.tenantId, name: account.login, domain },
    is_domain: false,
    roles: renderRoles(who.role),
    ...(how.catalog ? { catalog: catalogV3(where) } : {}),
  }
  return {
    token: {
      methods,
      user: { id: withoutDashes(user.id), name: user.name, domain, password_expires_at: null },
      audit_ids: [auditId(token)],
      issued_at: timeOf(issuedAt),
      expires_at: timeOf(expiresAt ?? far),
      ...(scoped ? scope : {}),
    },
  }
}

/** Tells tokens apart in records without telling them. */
const auditId = (token: string) =>
  createHash("sha256").update(`audit ${token}`).digest("base64url").slice(0, 22)

export const timeOf = (epochMs: number): string =>
  new Date(epochMs).toISOString().replace("Z", "000Z")
