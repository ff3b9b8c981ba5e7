/** What is wished of Identity v3 with `POST /v3/auth/tokens`. */
import { z } from "zod"
import type { TokenStory } from "../../../domain/account.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import { read } from "../../read.ts"
import { domain } from "./issue.ts"
import { type Proof, stranger, type UserRef } from "./prove.ts"

const text = z.string().max(1024)
const Domain = z.object({ id: text.optional(), name: text.optional() }).optional()
const User = z.object({ id: text.optional(), name: text.optional(), domain: Domain })
const Project = z.object({
  id: z.union([text, z.number().transform(String)]).optional(),
  name: text.optional(),
  domain: Domain,
})

const Wish = z.object({
  auth: z.object({
    identity: z.object({
      methods: z.array(text).min(1).max(8),
      password: z.object({ user: User.extend({ password: text }) }).optional(),
      token: z.object({ id: text }).optional(),
      application_credential: z
        .object({
          id: text.optional(),
          name: text.optional(),
          secret: text,
          user: User.optional(),
        })
        .optional(),
    }),
    /** `"unscoped"`, or an object with a field of that name, asks for a token without a project. */
    scope: z
      .union([
        z.string(),
        z.looseObject({ project: Project.optional(), unscoped: z.unknown().optional() }),
      ])
      .optional(),
  }),
})
type Auth = z.output<typeof Wish>["auth"]

export type LoginWish = {
  proof: Proof
  account: string | undefined
  story: TokenStory
}

const known = ["password", "token", "application_credential"]

export function readLogin(body: unknown): Result<LoginWish> {
  const wish = read(Wish, body)
  if (!wish.ok) return wish
  const { auth } = wish.value
  const proof = proofOf(auth.identity)
  if (!proof.ok) return proof
  const { scope } = auth
  const unscoped =
    typeof scope === "string" || (scope !== undefined && scope.unscoped !== undefined)
  const project = typeof scope === "object" ? scope.project : undefined
  if (!isOurs(project?.domain) || isElsewhere(scope)) return stranger
  const account = project?.id ?? project?.name
  const methods = auth.identity.methods.filter((method) => known.includes(method))
  return ok({ proof: proof.value, account, story: { methods, scoped: !unscoped } })
}

/** Nobody has a role in a domain, in the system as a whole, or by somebody else's trust. */
const isElsewhere = (scope: Auth["scope"]) =>
  typeof scope === "object" && Object.keys(scope).some((name) => !scopes.has(name))
const scopes = new Set(["project", "unscoped"])

/** Of several methods the first that says enough counts: they all prove the same person. */
function proofOf(identity: Auth["identity"]): Result<Proof> {
  const { methods, password, token, application_credential: credential } = identity
  if (methods.includes("password") && password !== undefined) {
    const user = userOf(password.user)
    return user === undefined
      ? stranger
      : ok({ by: "password", user, password: password.user.password })
  }
  if (methods.includes("token") && token !== undefined) return ok({ by: "token", token: token.id })
  if (!methods.includes("application_credential") || credential === undefined) {
    const oneOf = "password, token or application_credential"
    return no({ kind: "invalid", why: `auth.identity: methods must name ${oneOf}, and give it` })
  }
  const { id, name, secret } = credential
  if (id !== undefined) return ok({ by: "app-credential", id, secret })
  const user = userOf(credential.user)
  if (user === undefined || name === undefined) return stranger
  return ok({ by: "app-credential", user, name, secret })
}

function userOf(user: z.output<typeof User> | undefined): UserRef | undefined {
  if (user === undefined || !isOurs(user.domain)) return undefined
  if (user.id !== undefined) return { id: user.id }
  return user.name === undefined ? undefined : { name: user.name }
}

/** There is one domain; who names none means that one. */
function isOurs(given: z.output<typeof Domain>): boolean {
  const { id = domain.id, name = domain.name } = given ?? {}
  const same = (one: string, other: string) => one.toLowerCase() === other.toLowerCase()
  return same(id, domain.id) && same(name, domain.name)
}
