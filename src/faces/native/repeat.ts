/** The Idempotency-Key header: a POST sent again under the same key is answered, not redone. */
import { createHash } from "node:crypto"
import type { Asking } from "../../core/core.ts"
import { no, ok, type Result } from "../../domain/fault.ts"
import type { Request } from "../face.ts"

export function readRepeat(request: Request): Result<Pick<Asking, "repeat">> {
  const key = request.headers["idempotency-key"]
  if (request.method !== "POST" || key === undefined) return ok({})
  if (typeof key !== "string" || !printable.test(key)) return no(badKey)
  return ok({ repeat: { key, requestHash: hashOf(request) } })
}

const printable = /^[\x20-\x7e]{1,255}$/
const badKey = {
  kind: "invalid",
  field: "Idempotency-Key",
  why: "must have 1 to 255 printable ASCII characters",
} as const

/**
 * Everything that makes it this request and no other. A body that streams cannot be hashed before
 * it is worked on; its length and type stand for it.
 */
function hashOf({ method, url, headers, bytes }: Request): string {
  const stream = [headers["content-type"] ?? "", headers["content-length"] ?? ""]
  const hash = createHash("sha256")
  hash.update(JSON.stringify([method, url, ...stream]))
  return hash.update(bytes).digest("hex")
}
