/** Who asks: the token that a login gave, or any other bearer token of this service. */
import type { Core } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { no, type Result } from "../../domain/fault.ts"
import type { Request } from "../face.ts"

export async function identify(core: Core, { headers }: Request): Promise<Result<Principal>> {
  const token = bearer.exec(headers.authorization ?? "")?.[1]
  if (token === undefined) return stranger
  const who = await core.identity.byToken(token)
  return who.ok || who.fault.kind !== "unauthenticated" ? who : stranger
}

const bearer = /^Bearer +([\w.~+/=-]{1,1024})$/i

// One answer for no token, a forged one and an old one: they must not be told apart.
const stranger = no({ kind: "unauthenticated", why: "a valid bearer token is needed; log in" })
