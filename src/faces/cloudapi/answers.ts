/** The few shapes that this face's answers have. */
import { createHash } from "node:crypto"
import { ok, type Result } from "../../domain/fault.ts"
import type { Operation } from "../../domain/operation.ts"
import type { Answer } from "../face.ts"

/** Both clients check the digest of what they get, and give up where it is wrong. */
export const json = (body: unknown, status = 200, headers: Record<string, string> = {}): Answer =>
  sealed(JSON.stringify(body), status, { ...headers, "Content-Type": "application/json" })

export const plainText = (text: string): Answer =>
  sealed(text, 200, { "Content-Type": "text/plain; charset=utf-8" })

function sealed(text: string, status: number, headers: Record<string, string>): Answer {
  const body = Buffer.from(text)
  const digest = createHash("md5").update(body).digest("base64")
  return { status, headers: { ...headers, "Content-MD5": digest }, body }
}

export function shown<T>(found: Result<T>, render: (value: T) => unknown): Result<Answer> {
  return found.ok ? ok(json(render(found.value))) : found
}

export const emptied = (status: 202 | 204): Answer => ({ status })

/**
 * Accepted work. Clients that wait for its entry in the audit trail take those that are later than
 * this Date: it is the second in which the work was asked for, however late the answer leaves.
 */
export const begun = (status: 202 | 204, { createdAt }: Operation): Answer => ({
  status,
  headers: { Date: new Date(createdAt).toUTCString() },
})

/** Every code of the API, and its status. */
const codes = {
  BadDigest: 400,
  BadMethod: 405,
  BadRequest: 400,
  BrandNotSupported: 409,
  CannotDestroyMachineError: 409,
  InsufficientCapacity: 409,
  InternalError: 500,
  InvalidArgument: 409,
  InvalidCredentials: 401,
  InvalidHeader: 400,
  InvalidState: 409,
  InvalidVersion: 400,
  MissingParameter: 409,
  NotAcceptable: 406,
  NotAuthorized: 403,
  QuotaExceeded: 403,
  RequestEntityTooLarge: 413,
  RequestExpired: 400,
  RequestTimeout: 408,
  RequestUriTooLong: 414,
  ResourceMoved: 302,
  ResourceNotFound: 404,
  ServiceUnavailable: 503,
  UnsupportedMediaType: 415,
} as const
export type Code = keyof typeof codes

/**
 * `field`: what of the request is wrong; the `sdc-*` tools and triton print it, with `why` (default:
 * the message), below the message.
 */
export function refusal(
  code: Code,
  message: string,
  more: { field?: string; why?: string; headers?: Record<string, string> } = {},
): Answer {
  const { field, why = message, headers } = more
  const errors = field === undefined ? {} : { errors: [{ field, code: "Invalid", message: why }] }
  return json({ code, message, ...errors }, codes[code], headers)
}

/** A refusal as a route's answer. */
export const refused = (...told: Parameters<typeof refusal>): Result<Answer> => ok(refusal(...told))
