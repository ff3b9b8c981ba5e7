/**
 * Identity v2.0 in front of an external Keystone, which has no v2.0 any more: what old clients
 * bring is asked for there in the words of v3, and what they get is its own token. An API key is
 * the secret of an application credential: the one whose id is given as the user's name, or else
 * the user's own of the name `api-key`.
 */
import { z } from "zod"
import type { Core } from "../../../core/core.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import { domain, type ToldToV2 } from "./issue.ts"
import { askForToken, type Keystone, unavailable } from "./keystone.ts"
import { accountNamed, principalOf } from "./keystone-accounts.ts"
import { Token, time } from "./keystone-token.ts"
import { stranger } from "./prove.ts"
import type { LoginV2 } from "./v2-wish.ts"

const Given = z.object({
  token: Token.extend({
    user: z.object({ id: z.string(), name: z.string() }),
    issued_at: time,
  }),
})

export async function loginAt(
  keystone: Keystone,
  core: Core,
  { proof, account: ref, story }: LoginV2,
): Promise<Result<ToldToV2>> {
  const project = ref === undefined ? undefined : await projectOf(core, ref)
  // An application credential is for one project already, and no other may be named.
  const scope = project === undefined || proof.by === "api-key" ? {} : { scope: { project } }
  const given = await tokenFor(keystone, { identity: identityOf(proof), ...scope })
  if (!given.ok) return given
  const { text, token } = given.value
  const who = await principalOf(core, token)
  if (!who.ok) return who
  const account = await core.identity.account(who.value.accountId)
  const named = ref === undefined ? account : await accountNamed(core, ref)
  if (account === undefined || (named !== undefined && named.id !== account.id)) return stranger
  const times = { issuedAt: Date.parse(token.issued_at), expiresAt: Date.parse(token.expires_at) }
  return ok({ token: text, account, user: token.user, who: who.value, story, ...times })
}

async function tokenFor(keystone: Keystone, auth: object) {
  try {
    const answer = await askForToken(keystone, auth)
    const text = answer.headers.get("x-subject-token")
    if (answer.status === 201 && text !== null) {
      const given = Given.safeParse(await answer.json())
      return given.success ? ok({ text, token: given.data.token }) : unavailable
    }
    await answer.body?.cancel()
    return answer.status >= 400 && answer.status < 500 ? stranger : unavailable
  } catch {
    return unavailable
  }
}

const hex = /^[0-9a-f]{32}$/

/** An account's number is ours alone: there it is called by its name. */
async function projectOf(core: Core, ref: string): Promise<object> {
  if (hex.test(ref)) return { id: ref }
  const account = /^\d+$/.test(ref) ? await accountNamed(core, ref) : undefined
  return { name: account?.login ?? ref, domain: { id: domain.id } }
}

function identityOf(proof: LoginV2["proof"]): object {
  if (proof.by === "token") return { methods: ["token"], token: { id: proof.token } }
  const { name } = proof.user
  const user = { name, domain: { id: domain.id } }
  if (proof.by === "password") {
    return { methods: ["password"], password: { user: { ...user, password: proof.password } } }
  }
  const secret = proof.apiKey
  const credential = hex.test(name) ? { id: name, secret } : { name: "api-key", user, secret }
  return { methods: ["application_credential"], application_credential: credential }
}
