/** How this face says what went wrong: RFC 9457 problem documents. */
import { z } from "zod"
import { explain, type Fault, type FaultKind } from "../../domain/fault.ts"
import type { Answer, Mishap, MishapKind, Request } from "../face.ts"
import { components } from "./wire/words.ts"

export const Problem = z
  .looseObject({
    type: z.string(),
    title: z.string(),
    status: z.int(),
    detail: z.string(),
    kind: z.string().describe("What happened, in one word for programs."),
    requestId: z.string(),
  })
  .describe("RFC 9457, with fields of its own for each kind.")
  .register(components, { id: "Problem" })

export const problemType = "application/problem+json"

type Saying = { status: number; title: string; headers?: Record<string, string> }

const sayings: Record<FaultKind, Saying> = {
  invalid: { status: 400, title: "Invalid request" },
  unauthenticated: {
    status: 401,
    title: "Not authenticated",
    headers: { "WWW-Authenticate": 'Bearer realm="tintype"' },
  },
  forbidden: { status: 403, title: "Not allowed" },
  "not-found": { status: 404, title: "Not found" },
  "name-taken": { status: 409, title: "Name taken" },
  "wrong-state": { status: 409, title: "Wrong state" },
  "in-use": { status: 409, title: "In use" },
  size: { status: 400, title: "Size out of bounds" },
  quota: { status: 413, title: "Quota used up" },
  "no-space": { status: 507, title: "Not enough space" },
  "bad-image": { status: 422, title: "Image refused" },
  unsupported: { status: 422, title: "Not possible" },
  unavailable: { status: 503, title: "Not available now", headers: { "Retry-After": "10" } },
  "key-reused": { status: 422, title: "Idempotency-Key reused" },
  timeout: { status: 504, title: "No answer in time" },
  interrupted: { status: 400, title: "Interrupted" },
  failed: { status: 500, title: "Failed, and put back" },
}

export function renderFault(fault: Fault, { requestId }: Request): Answer {
  const { kind, ...fields } = fault
  const { status, title, headers } = sayings[kind]
  const detail = explain(fault)
  return problem({ ...fields, ...sameForAll(kind, title, status), detail, requestId }, headers)
}

/** Kinds as clients know them; where a fault means the same, its kind is used. */
const mishapKinds: Record<MishapKind, { kind: string; title: string }> = {
  malformed: { kind: "invalid", title: "Invalid request" },
  "no-route": { kind: "not-found", title: "Not found" },
  "wrong-method": { kind: "wrong-method", title: "Wrong method" },
  slow: { kind: "timeout", title: "Too slow" },
  "too-large": { kind: "too-large", title: "Body too large" },
  "long-url": { kind: "too-large", title: "URL too long" },
  internal: { kind: "internal", title: "Internal error" },
  busy: { kind: "unavailable", title: "Busy" },
}

export function renderMishap({ kind, status, why }: Mishap, { requestId }: Request): Answer {
  const word = mishapKinds[kind]
  return problem({ ...sameForAll(word.kind, word.title, status), detail: why, requestId })
}

export function wrongMediaType(wanted: readonly string[], { requestId }: Request): Answer {
  const detail = `this takes ${wanted.join(" or ")}`
  return problem({ ...sameForAll("wrong-media-type", "Wrong media type", 415), detail, requestId })
}

const sameForAll = (kind: string, title: string, status: number) => ({
  type: `/problems/${kind}`,
  title,
  status,
  kind,
})

function problem(
  body: z.infer<typeof Problem> & { status: number },
  headers: Record<string, string> = {},
): Answer {
  return { status: body.status, headers: { ...headers, "Content-Type": problemType }, body }
}
