/**
 * What a request wishes, from wherever it says so: the query and a body of JSON, of a form, or of
 * a form in parts. All of them fill one bag; the path is never in it, so that no parameter can
 * speak of another thing than the path does.
 */
import { createHash } from "node:crypto"
import { ok, type Result } from "../../domain/fault.ts"
import type { Answer, Request } from "../face.ts"
import { readJson } from "../read.ts"
import { refusal } from "./answers.ts"
import { withoutProof } from "./signature/presigned.ts"

export type Params = Readonly<Record<string, unknown>>

/** A parameter as text; undefined for what no parameter of this API is, such as lists and objects. */
export const wordOf = (value: unknown): string | undefined =>
  ["string", "number", "boolean"].includes(typeof value) ? `${value}` : undefined

type Read = { ok: true; value: Params } | { ok: false; answer: Answer }

export async function readParams(request: Request): Promise<Read> {
  const wrong = digestTrouble(request)
  if (wrong !== undefined) return { ok: false, answer: wrong }
  const body = await readBody(request)
  return body.ok ? { ok: true, value: { ...withoutProof(request.query), ...body.value } } : body
}

function digestTrouble({ headers, bytes }: Request): Answer | undefined {
  const told = headers["content-md5"]
  if (typeof told !== "string") return undefined
  const found = createHash("md5").update(bytes).digest("base64")
  return told.trim() === found ? undefined : refusal("BadDigest", "Content-MD5 did not match")
}

async function readBody(request: Request): Promise<Read> {
  if (request.bytes.length === 0) return { ok: true, value: {} }
  const type = request.headers["content-type"]
  const media = type?.split(";", 1)[0]?.trim().toLowerCase()
  if (media === undefined || media === "application/json") return readObject(request.bytes)
  if (media === "application/x-www-form-urlencoded" || media === "multipart/form-data") {
    return await readForm(request.bytes, type ?? "")
  }
  const message = `this takes JSON or a form, not ${media.slice(0, 100)}`
  return { ok: false, answer: refusal("UnsupportedMediaType", message) }
}

function readObject(bytes: Buffer): Read {
  const value: Result<unknown> = readJson(bytes)
  if (!value.ok) return { ok: false, answer: refusal("BadRequest", "the body is not JSON") }
  if (value.value === null) return { ok: true, value: {} }
  if (typeof value.value !== "object" || Array.isArray(value.value)) {
    return { ok: false, answer: refusal("BadRequest", "the body is not a JSON object") }
  }
  return { ok: true, value: value.value as Params }
}

/** The platform's own parser knows both kinds; the size of the body is its limit. */
async function readForm(bytes: Buffer, type: string): Promise<Read> {
  const form = await formOf(bytes, type)
  if (!form.ok) return { ok: false, answer: refusal("BadRequest", "the form is malformed") }
  // A name such as `__proto__` is only a name.
  const fields = new Map<string, string>()
  for (const [name, value] of form.value.entries()) {
    if (typeof value !== "string") {
      return { ok: false, answer: refusal("BadRequest", "a form may not hold files") }
    }
    fields.set(name, value)
  }
  return { ok: true, value: Object.fromEntries(fields) }
}

async function formOf(bytes: Buffer, type: string): Promise<Result<FormData>> {
  const sent = new Response(new Uint8Array(bytes), { headers: { "content-type": type } })
  try {
    return ok(await sent.formData())
  } catch {
    return { ok: false, fault: { kind: "invalid", why: "malformed" } }
  }
}
