/** What is wished of Identity v2.0 with `POST /v2.0/tokens`. */
import { z } from "zod"
import type { TokenStory } from "../../../domain/account.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import { read } from "../../read.ts"

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

type Proof =
  | { by: "password"; user: { name: string }; password: string }
  | { by: "api-key"; user: { name: string }; apiKey: string }
  | { by: "token"; token: string }

function proofOf(auth: Auth): Proof | undefined {
  const { passwordCredentials, "RAX-KSKEY:apiKeyCredentials": key, token } = auth
  if (passwordCredentials !== undefined) {
    const { username: name, password } = passwordCredentials
    return { by: "password", user: { name }, password }
  }
  if (key !== undefined) return { by: "api-key", user: { name: key.username }, apiKey: key.apiKey }
  return token === undefined ? undefined : { by: "token", token: token.id }
}

export type LoginV2 = { proof: Proof; account: string | undefined; story: TokenStory }

export function readLogin(body: unknown): Result<LoginV2> {
  const wish = read(Wish, body)
  if (!wish.ok) return wish
  const { auth } = wish.value
  const proof = proofOf(auth)
  if (proof === undefined) {
    return no({ kind: "invalid", why: "Expecting to find passwordCredentials or token in auth" })
  }
  const methods = [proof.by === "api-key" ? "apikey" : proof.by]
  const account = auth.tenantId || auth.tenantName || undefined
  return ok({ proof, account, story: { methods, scoped: true } })
}
