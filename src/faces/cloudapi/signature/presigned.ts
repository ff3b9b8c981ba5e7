/**
 * URLs that carry their signature: made by somebody with a key, for somebody without one, for
 * these methods of this one path, until they expire.
 */
import { no, ok, type Result } from "../../../domain/fault.ts"
import { wrongPart } from "../faults.ts"
import { algorithmNamed } from "./algorithms.ts"
import type { Claim, Signing } from "./claim.ts"

const needed = ["algorithm", "expires", "keyId", "signature"] as const

/** What of a query is wished: not what says who asks, nor in which role. */
export function withoutProof(query: Signing["query"]): Signing["query"] {
  const { "as-role": _role, ...wished } = query
  if (!needed.every((name) => query[name])) return wished
  return Object.fromEntries(Object.entries(wished).filter(([name]) => !proof.has(name)))
}
const proof: ReadonlySet<string> = new Set([...needed, "method"])

/** Null: this is none. */
export function presignedOf(request: Signing): Result<Claim | null> {
  const { query } = request
  const missing = needed.filter((name) => !query[name])
  if (missing.length === needed.length) return ok(null)
  if (missing.length > 0) return wrong(`parameters "${missing.join(", ")}" are required`)
  const single = Object.entries(query).flatMap(([name, value]) =>
    typeof value === "string" ? [[name, value] as const] : [],
  )
  if (single.length < Object.keys(query).length) return wrong("a parameter is there twice")
  const given = new Map(single)
  const algorithm = algorithmNamed(given.get("algorithm") ?? "")
  if (algorithm === undefined) {
    return wrong(`${given.get("algorithm")?.slice(0, 64)} is not a supported signing algorithm`)
  }
  const methods = (given.get("method") ?? request.method).split(",").map((each) => each.trim())
  if (!methods.includes(request.method)) return wrong(`${request.method} was not a signed method`)
  const expires = given.get("expires") ?? ""
  if (!/^\d{1,12}$/.test(expires)) return wrong("expires is invalid")
  if (Date.now() / 1000 > Number(expires)) return no(wrongPart("expires", "request expired"))
  return ok({
    keyId: given.get("keyId") ?? "",
    algorithm,
    signed: signedText(request, methods.sort(), single),
    signature: Buffer.from(given.get("signature") ?? "", "base64"),
  })
}

const wrong = (why: string) => no(wrongPart("presigned", why))

function signedText(
  { urlAsSent, headers }: Signing,
  methods: readonly string[],
  query: readonly (readonly [string, string])[],
): string {
  const sorted = query
    .filter(([name]) => name.toLowerCase() !== "signature")
    .sort(([one], [other]) => one.localeCompare(other, "en"))
    .map(([name, value]) => `${escaped(name)}=${escaped(value)}`)
  const [path = ""] = urlAsSent.split("?", 1)
  return [methods.join(","), headers.host ?? "", path, sorted.join("&")].join("\n")
}

/** RFC 3986, section 2.3: more is escaped than JavaScript does. */
const escaped = (text: string) =>
  encodeURIComponent(text.toWellFormed()).replace(
    /[!'()*]/g,
    (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase()}`,
  )
