/**
 * Who asks: HTTP Basic (RFC 7617), or the bare Base64 of `user:password` without the scheme's
 * name, as this API's documents print the header. An API key is as good as the password.
 */
import type { Core } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { no, type Result } from "../../domain/fault.ts"
import type { Request } from "../face.ts"

export async function identify(core: Core, { headers }: Request): Promise<Result<Principal>> {
  const given = credentialsIn(headers.authorization ?? "")
  if (given === undefined) return stranger
  const { user, secret } = given
  const who = await core.identity.byPasswordOrApiKey(user, secret)
  return who.ok || who.fault.kind !== "unauthenticated" ? who : stranger
}

// One answer for no credentials and for bad ones: they must not be told apart.
const stranger = no({ kind: "unauthenticated", why: "valid credentials are needed" })

const header = /^(?:Basic +)?([\w+/-]{1,8192}={0,2})$/i
const longestUser = 255

function credentialsIn(text: string): { user: string; secret: string } | undefined {
  const [, encoded] = header.exec(text.trim()) ?? []
  if (encoded === undefined) return undefined
  const decoded = Buffer.from(encoded, "base64").toString()
  const colon = decoded.indexOf(":")
  if (colon < 1 || colon > longestUser) return undefined
  return { user: decoded.slice(0, colon), secret: decoded.slice(colon + 1) }
}
