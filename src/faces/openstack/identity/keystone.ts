/**
 * Tokens of somebody else's Keystone: it is asked whose they are, as a service of its cloud. Its
 * project is the account here with that tenant id, or in its domain `Default` of that name; who
 * acts is that account's owner, as a member or, without more than that role, as a reader. Nobody
 * is an administrator here because he is one there.
 */
import { createHash } from "node:crypto"
import { z } from "zod"
import type { Core } from "../../../core/core.ts"
import type { Account, Principal } from "../../../domain/account.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import type { Id } from "../../../domain/ids.ts"
import type { OpenstackSettings } from "../../settings.ts"
import type { ByToken } from "../identify.ts"
import { domain } from "./issue.ts"
import { stranger } from "./prove.ts"

type Settings = NonNullable<OpenstackSettings["keystone"]>

const Named = z.object({ id: z.string(), name: z.string() })
const Validated = z.object({
  token: z.object({
    expires_at: z.string(),
    roles: z.array(z.object({ name: z.string() })).default([]),
    project: Named.extend({ domain: z.object({ id: z.string() }).optional() }).optional(),
  }),
})
type Token = z.output<typeof Validated>["token"]

const knownMs = 60_000
const mostKnown = 10_000
const patienceMs = 10_000

/** A token that was good is believed for a minute, or until its end; one that was not, never. */
export function byKeystone(settings: Settings): ByToken {
  const validate = openValidation(settings)
  const known = new Map<string, { token: Token; until: number }>()
  return async (core, text) => {
    const place = createHash("sha256").update(text).digest("base64url")
    const before = known.get(place)
    if (before !== undefined && before.until > Date.now()) return principalOf(core, before.token)
    known.delete(place)
    const token = await validate(text)
    if (!token.ok) return token
    const until = Math.min(Date.now() + knownMs, Date.parse(token.value.expires_at))
    if (!(until > Date.now())) return stranger
    const [oldest] = known.keys()
    if (known.size >= mostKnown && oldest !== undefined) known.delete(oldest)
    known.set(place, { token: token.value, until })
    return principalOf(core, token.value)
  }
}

function openValidation(settings: Settings): (text: string) => Promise<Result<Token>> {
  const tokens = `${settings.url.replace(/\/+(v3\/*)?$/, "")}/v3/auth/tokens`
  let own: Promise<string | undefined> | undefined

  const ask = async (subject: string): Promise<Response | undefined> => {
    own ??= login(tokens, settings)
    const token = await own
    if (token === undefined) return undefined
    const headers = { "X-Auth-Token": token, "X-Subject-Token": subject }
    return await fetch(`${tokens}?nocatalog`, { ...straight(), headers })
  }
  return async (subject) => {
    try {
      let answer = await ask(subject)
      if (answer === undefined || answer.status === 401) {
        // Our own token may be over: once more with a new one.
        await answer?.body?.cancel()
        own = undefined
        answer = await ask(subject)
      }
      if (answer?.status === 404) return stranger
      if (answer?.status !== 200) return unavailable
      const read = Validated.safeParse(await answer.json())
      return read.success ? ok(read.data.token) : unavailable
    } catch {
      own = undefined
      return unavailable
    }
  }
}

async function login(tokens: string, settings: Settings): Promise<string | undefined> {
  const user = { name: settings.userName, password: settings.password, domain: { id: domain.id } }
  const scope = { project: { name: settings.project, domain: { id: domain.id } } }
  const auth = { identity: { methods: ["password"], password: { user } }, scope }
  const answer = await fetch(`${tokens}?nocatalog`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ auth }),
    ...straight(),
  })
  await answer.body?.cancel()
  return answer.headers.get("x-subject-token") ?? undefined
}

/** Secrets go where the settings say, and are not carried on to where an answer points. */
const straight = () =>
  ({ redirect: "error", signal: AbortSignal.timeout(patienceMs) }) satisfies RequestInit
const unavailable = no({
  kind: "unavailable",
  what: "Keystone",
  remedy: "look whether it answers, and whether the service user may validate tokens",
})

const zero = "00000000-0000-0000-0000-000000000000" as Id<never>
/** Only looks up accounts, and is never anybody's principal. */
const looking: Principal = { userId: zero, accountId: zero, role: "reader", everywhere: true }

async function principalOf(core: Core, token: Token): Promise<Result<Principal>> {
  const account = await accountOf(core, token)
  const owner = account && (await core.identity.userNamed(account.login))
  if (account === undefined || owner?.accountId !== account.id) return stranger
  const names = new Set(token.roles.map(({ name }) => name.toLowerCase()))
  const writes = ["member", "_member_", "admin"].some((name) => names.has(name))
  if (!writes && !names.has("reader")) return stranger
  const role = writes ? "member" : "reader"
  return ok({ userId: owner.id, accountId: account.id, role, everywhere: false })
}

async function accountOf(core: Core, { project }: Token): Promise<Account | undefined> {
  if (project === undefined) return undefined
  const byId = await accountNamed(core, project.id)
  if (byId?.tenantId === project.id) return byId
  if (project.domain?.id !== domain.id) return undefined
  // The name of one account may look like the number of another.
  const byName = await accountNamed(core, project.name)
  return byName?.login === project.name ? byName : undefined
}

async function accountNamed({ identity }: Core, ref: string): Promise<Account | undefined> {
  const found = await identity.actFor(looking, ref)
  return found.ok ? identity.account(found.value.accountId) : undefined
}
