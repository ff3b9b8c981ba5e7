/** Who asks: a bearer token (RFC 6750), and for the administrator the account to act for. */
import type { Core } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { no, type Result } from "../../domain/fault.ts"
import type { Request } from "../face.ts"

export async function identify(core: Core, { headers }: Request): Promise<Result<Principal>> {
  const token = bearer.exec(headers.authorization ?? "")?.[1]
  if (token === undefined) return stranger
  const who = await core.identity.byToken(token)
  if (!who.ok) return who.fault.kind === "unauthenticated" ? stranger : who
  const account = headers["x-tintype-account"]
  if (typeof account !== "string" || account === "") return who
  return core.identity.actFor(who.value, account.slice(0, 255))
}

const bearer = /^Bearer +([\w.~+/=-]{1,1024})$/i

// One answer for no token, a bad one and an old one: they must not be told apart.
const stranger = no({ kind: "unauthenticated", why: "a valid bearer token is needed" })
