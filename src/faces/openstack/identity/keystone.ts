/**
 * Tokens of somebody else's Keystone: it is asked whose they are, as a service of its cloud. Who
 * that is here, `keystone-accounts.ts` says.
 */
import { createHash } from "node:crypto"
import { z } from "zod"
import { no, ok, type Result } from "../../../domain/fault.ts"
import type { OpenstackSettings } from "../../settings.ts"
import type { ByToken } from "../identify.ts"
import { domain } from "./issue.ts"
import { principalOf } from "./keystone-accounts.ts"
import { Token } from "./keystone-token.ts"
import { stranger } from "./prove.ts"

export type Keystone = NonNullable<OpenstackSettings["keystone"]>

const Validated = z.object({ token: Token })

const knownMs = 60_000
const mostKnown = 10_000
const patienceMs = 10_000

/**
 * What Keystone said of a token is believed for a minute, or until the token's end: a flood of bad
 * ones does not become a flood there, nor does it push out the good ones.
 */
export function byKeystone(settings: Keystone): ByToken {
  const validate = openValidation(settings)
  const good = remembering<Token>()
  const bad = remembering<true>()
  return async (core, text) => {
    const place = createHash("sha256").update(text).digest("base64url")
    const before = good.get(place)
    if (before !== undefined) return principalOf(core, before)
    if (bad.get(place)) return stranger
    const token = await validate(text)
    const until = Date.now() + knownMs
    if (!token.ok) {
      if (token === stranger) bad.put(place, true, until)
      return token
    }
    const end = Date.parse(token.value.expires_at)
    if (!(end > Date.now())) return stranger
    good.put(place, token.value, Math.min(until, end))
    return principalOf(core, token.value)
  }
}

function remembering<T>() {
  const all = new Map<string, { value: T; until: number }>()
  return {
    get(place: string): T | undefined {
      const found = all.get(place)
      if (found !== undefined && found.until > Date.now()) return found.value
      all.delete(place)
      return undefined
    },
    put(place: string, value: T, until: number): void {
      const [oldest] = all.keys()
      if (all.size >= mostKnown && oldest !== undefined) all.delete(oldest)
      all.set(place, { value, until })
    },
  }
}

export const tokensAt = ({ url }: Keystone): string =>
  `${url.replace(/\/+(v3\/*)?$/, "")}/v3/auth/tokens?nocatalog`

function openValidation(settings: Keystone): (text: string) => Promise<Result<Token>> {
  let own: Promise<string | undefined> | undefined

  const ask = async (subject: string): Promise<Response | undefined> => {
    own ??= login(settings)
    const token = await own
    if (token === undefined) return undefined
    const headers = { "X-Auth-Token": token, "X-Subject-Token": subject }
    return await fetch(tokensAt(settings), { ...straight(), headers })
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

async function login(settings: Keystone): Promise<string | undefined> {
  const user = { name: settings.userName, password: settings.password, domain: { id: domain.id } }
  const scope = { project: { name: settings.project, domain: { id: domain.id } } }
  const identity = { methods: ["password"], password: { user } }
  const answer = await askForToken(settings, { identity, scope })
  await answer.body?.cancel()
  return answer.headers.get("x-subject-token") ?? undefined
}

export const askForToken = (settings: Keystone, auth: object): Promise<Response> =>
  fetch(tokensAt(settings), {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ auth }),
    ...straight(),
  })

/** Secrets go where the settings say, and are not carried on to where an answer points. */
const straight = () =>
  ({ redirect: "error", signal: AbortSignal.timeout(patienceMs) }) satisfies RequestInit
export const unavailable = no({
  kind: "unavailable",
  what: "Keystone",
  remedy: "look whether it answers, and whether the service user may validate tokens",
})
