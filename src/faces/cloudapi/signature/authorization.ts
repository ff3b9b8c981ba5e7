/**
 * The Authorization header of signed requests: the draft of HTTP Signatures that all clients use
 * (draft-cavage-http-signatures), and the form of its first days (0.9), in which the signature
 * follows the parameters, and the bare value of the Date is what is signed.
 */
import { no, ok, type Result } from "../../../domain/fault.ts"
import { wrongPart } from "../faults.ts"
import { algorithmNamed } from "./algorithms.ts"
import { type Claim, type Signing, skewSeconds } from "./claim.ts"

/** Null: there is none, or one of another scheme. */
export function authorizationOf(request: Signing): Result<Claim | null> {
  const text = request.headers.authorization ?? ""
  if (!/^signature\s/i.test(text)) return ok(null)
  const read = readSignature(text.slice("signature".length).trim())
  if (typeof read === "string") return invalid(read)
  const { form, params } = read
  const { keyId, signature } = params
  const algorithm = algorithmNamed(params["algorithm"] ?? "")
  if (!keyId) return invalid("keyId was not specified")
  if (!params["algorithm"]) return invalid("algorithm was not specified")
  if (algorithm === undefined) return invalid(`${params["algorithm"]} is not supported`)
  if (!signature) return invalid("signature was not specified")
  const names = (params["headers"]?.toLowerCase() || dateName(request)).split(" ")
  const signed = form === "bare" ? bareDate(request, names) : signedText(request, names)
  if (!signed.ok) return signed
  const late = dateTrouble(request, names)
  if (late !== undefined) return invalid(late)
  return ok({ keyId, algorithm, signed: signed.value, signature: Buffer.from(signature, "base64") })
}

const invalid = (why: string) =>
  no(wrongPart("authorization", `Authorization header invalid: ${why.slice(0, 200)}`))

type Params = Partial<Record<"keyId" | "signature" | "algorithm" | "headers", string>>
type Form = { form: "named" | "bare"; params: Params }

function readSignature(text: string): Form | string {
  const end = text.lastIndexOf(" ")
  const tail = text.slice(end + 1)
  // Only the old form ends with something that is not a parameter.
  const bare = end > 0 && /^[A-Za-z0-9+/]+=*$/.test(tail)
  const params = readParams(bare ? text.slice(0, end).replace(/,\s*$/, "") : text)
  if (params === undefined) return "bad param format"
  if (!bare) return { form: "named", params }
  if (params.signature !== undefined) return "bad param format"
  return { form: "bare", params: { ...params, signature: tail } }
}

function readParams(text: string): Params | undefined {
  const params = new Map<string, string>()
  for (const piece of text.split(/,(?=\s*[A-Za-z]+=)/)) {
    const [, name = "", quoted, plain] =
      /^([A-Za-z]{1,32})=(?:"([^"]*)"|([^"\s,]+))$/.exec(piece.trim()) ?? []
    const value = quoted ?? plain
    if (value === undefined || params.has(name)) return undefined
    params.set(name, value)
  }
  return Object.fromEntries(params)
}

/** The header that says when; the other is for clients that may not set the Date. */
const dateName = ({ headers }: Signing) => (headers["x-date"] === undefined ? "date" : "x-date")

/** Line by line what the client listed, from the request as it was on the wire. */
function signedText(request: Signing, names: readonly string[]): Result<string> {
  const lines: string[] = []
  for (const name of names) {
    if (name === "(request-target)") {
      lines.push(`${name}: ${request.method.toLowerCase()} ${request.urlAsSent}`)
      continue
    }
    const value = headerOf(request, name)
    if (value === undefined) return invalid(`${name} was not in the request`)
    lines.push(`${name}: ${value}`)
  }
  return ok(lines.join("\n"))
}

/**
 * The date alone. Of several headers whose values stand there without their names, a text signed in
 * the other form could be put together, line by line, and its signature sent with another request.
 */
function bareDate(request: Signing, [name = "", ...others]: readonly string[]): Result<string> {
  if (others.length > 0 || !["date", "x-date"].includes(name)) {
    return invalid("in this form the date alone is signed")
  }
  const value = headerOf(request, name)
  return value === undefined ? invalid(`${name} was not in the request`) : ok(value)
}

function headerOf({ headers }: Signing, name: string): string | undefined {
  const value = Object.hasOwn(headers, name) ? headers[name] : undefined
  return typeof value === "string" ? value : undefined
}

/** A signature that says nothing of when it was made would be good for ever. */
function dateTrouble(request: Signing, names: readonly string[]): string | undefined {
  const name = names.includes("x-date") ? "x-date" : "date"
  if (!names.includes(name)) return `${dateName(request)} was not a signed header`
  const at = Date.parse(headerOf(request, name) ?? "")
  if (Number.isNaN(at)) return `${name} is not a date`
  const skew = Math.abs(Date.now() - at) / 1000
  if (skew <= skewSeconds) return undefined
  return `clock skew of ${skew}s was greater than ${skewSeconds}s`
}
