/**
 * Who asks: whoever's key signed the request, for the account in the path. The checks come in an
 * order that clients know, and from the key's owner on they all say the same: an unknown account,
 * an unknown key and a wrong signature must not be told apart, nor somebody else's account from
 * none.
 */
import type { Core } from "../../core/core.ts"
import type { Account, Principal, Role } from "../../domain/account.ts"
import { no, ok, type Result } from "../../domain/fault.ts"
import type { Request } from "../face.ts"
import type { CloudapiSettings } from "../settings.ts"
import { noPermission, wrongPart } from "./faults.ts"
import { authorizationOf } from "./signature/authorization.ts"
import type { Claim } from "./signature/claim.ts"
import { presignedOf } from "./signature/presigned.ts"
import { openVerifier } from "./signature/verify.ts"
import { type Dialect, dialectFor, wantedRange } from "./versions.ts"

export function openIdentify({ sha1Signatures }: CloudapiSettings) {
  const isTrue = openVerifier()
  return async (core: Core, request: Request): Promise<Result<Principal>> => {
    const dialect = wantedDialect(request)
    if (!dialect.ok) return dialect
    const claim = claimOf(request)
    if (!claim.ok) return claim
    if (claim.value === null) return unsigned
    if (claim.value.algorithm.hash === "sha1" && !sha1Signatures) return tooWeak
    const place = placeOf(claim.value.keyId, dialect.value)
    if (place === undefined) {
      const keyId = claim.value.keyId.slice(0, 200)
      return stranger(`Invalid KeyId ${keyId} in authorization header`)
    }
    const signer = await core.identity.signer(place)
    if (!isTrue(claim.value, signer?.key) || signer === undefined) return wrongCredentials
    const who = place.user === undefined ? ok(signer.who) : inRoles(signer.who, request)
    return who.ok ? await forAccount(core, who.value, request) : who
  }
}

const stranger = (why: string) => no({ kind: "unauthenticated", why })
const unsigned = stranger("You must make authenticated requests to use CloudAPI")
const tooWeak = no(
  wrongPart(
    "authorization",
    "Authorization header invalid: signatures with SHA-1 are not accepted here",
  ),
)
const wrongCredentials = stranger("Invalid authorization credentials supplied")

export function wantedDialect({ headers, method, path }: Request): Result<Dialect> {
  const range = wantedRange(headers)
  const dialect = dialectFor(range)
  if (dialect !== undefined) return ok(dialect)
  const why = `${range.slice(0, 128)} is not supported by ${method} ${path}`
  return no(wrongPart("accept-version", why))
}

function claimOf(request: Request): Result<Claim | null> {
  const header = authorizationOf(request)
  return header.ok && header.value === null ? presignedOf(request) : header
}

/** The key that was said to have signed, for the history; only of a request that was let in. */
export function signingKey(request: Request): string | null {
  const claim = claimOf(request)
  return claim.ok && claim.value !== null ? claim.value.keyId : null
}

type Place = { account: string; user?: string; key: string }

/** `/login/keys/<name or fingerprint>`, or `/login/users/<user>/keys/…`. */
function placeOf(keyId: string, { subUsers }: Dialect): Place | undefined {
  const [root, account = "", ...rest] = keyId.split("/")
  if (root !== "" || account === "") return undefined
  const [kind, one = "", keys, key = ""] = rest
  if (rest.length === 2 && kind === "keys" && one !== "") return { account, key: one }
  const isUser = rest.length === 4 && kind === "users" && keys === "keys"
  return subUsers && isUser && one !== "" && key !== "" ? { account, user: one, key } : undefined
}

/** A user has its own role and the lesser ones, and may take up a lesser one for a request. */
const within: Record<Role, readonly Role[]> = {
  admin: ["admin", "member", "reader"],
  member: ["member", "reader"],
  reader: ["reader"],
}

function inRoles(who: Principal, request: Request): Result<Principal> {
  const given = [request.query["as-role"] ?? []].flat().flatMap((names) => names.split(","))
  const asked = given.filter((name) => name !== "")
  if (asked.length === 0) return ok(who)
  const mine = within[who.role]
  const unknown = asked.find((name) => !mine.some((role) => role === name))
  const role = mine.find((each) => asked.includes(each))
  return unknown !== undefined || role === undefined
    ? forbidden(request.path)
    : ok({ ...who, role })
}

const forbidden = (what: string) => no(wrongPart("account", noPermission(what)))

/** Within the key's own account. Whether there is another of that name is never looked up. */
async function forAccount(
  core: Core,
  who: Principal,
  { params }: Request,
): Promise<Result<Principal>> {
  const ref = params["account"] ?? "my"
  const own = await core.identity.account(who.accountId)
  const isOwn = ref === "my" || (own !== undefined && isNamed(own, ref))
  return isOwn ? ok({ ...who, everywhere: false }) : forbidden(`/${ref}`)
}

const isNamed = ({ login, tenantId, accountNumber }: Account, ref: string) =>
  ref === login || ref.toLowerCase() === tenantId || ref === `${accountNumber}`
