/** Who asks: the token in `X-Auth-Token`, whoever gave it. */
import type { Core } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { no, type Result } from "../../domain/fault.ts"
import type { Request } from "../face.ts"

export type ByToken = (core: Core, token: string) => Promise<Result<Principal>>

// One answer for no token, a bad one and an old one: they must not be told apart.
const stranger = no({ kind: "unauthenticated", why: "a valid token is needed" })

export const identifyBy =
  (byToken: ByToken) =>
  async (core: Core, { headers }: Request): Promise<Result<Principal>> => {
    const token = headers["x-auth-token"]
    if (typeof token !== "string" || !plain.test(token)) return stranger
    const who = await byToken(core, token)
    return who.ok || who.fault.kind !== "unauthenticated" ? who : stranger
  }

/** Keystone's own can be long. */
const plain = /^[\w.~+/=-]{1,4096}$/

export const ourOwn: ByToken = (core, token) => core.identity.byToken(token)
