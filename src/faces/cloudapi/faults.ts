/** How this face says what went wrong: a code, a message, and perhaps the field that is meant. */
import { explain, type Fault, type FaultKind, type FaultOf } from "../../domain/fault.ts"
import type { Answer, Mishap, MishapKind, Request } from "../face.ts"
import { type Code, refusal } from "./answers.ts"

const codes: Record<FaultKind, Code> = {
  invalid: "InvalidArgument",
  unauthenticated: "InvalidCredentials",
  forbidden: "NotAuthorized",
  "not-found": "ResourceNotFound",
  "name-taken": "InvalidArgument",
  "wrong-state": "InvalidState",
  "in-use": "InvalidState",
  size: "InvalidArgument",
  quota: "QuotaExceeded",
  "no-space": "InsufficientCapacity",
  "bad-image": "InvalidArgument",
  unsupported: "BrandNotSupported",
  unavailable: "ServiceUnavailable",
  "key-reused": "InvalidArgument",
  timeout: "ServiceUnavailable",
  interrupted: "BadRequest",
  failed: "InternalError",
}

/** What is wrong with a request before anything is asked, by the part of it that is wrong. */
const partCodes = {
  account: "NotAuthorized",
  authorization: "InvalidHeader",
  "accept-version": "InvalidVersion",
  expires: "RequestExpired",
  presigned: "BadRequest",
} as const satisfies Record<string, Code>

export type RequestPart = keyof typeof partCodes
export const wrongPart = (field: RequestPart, why: string): FaultOf<"invalid"> => ({
  kind: "invalid",
  field,
  why,
})

const isPart = (field: string): field is RequestPart => Object.hasOwn(partCodes, field)

export const noPermission = (what: string): string =>
  `You do not have permission to access ${what.slice(0, 200)}`

export function renderFault(fault: Fault, { path }: Pick<Request, "path">): Answer {
  if (fault.kind === "invalid" && fault.field !== undefined) {
    const { field, why } = fault
    if (isPart(field)) return refusal(partCodes[field], why)
    return refusal(codes.invalid, explain(fault), { field, why })
  }
  const code = codes[fault.kind]
  return refusal(code, wordsOf(fault, path), {
    headers: code === "ServiceUnavailable" ? { "Retry-After": "10" } : {},
  })
}

function wordsOf(fault: Fault, path: string): string {
  if (fault.kind === "forbidden") return `${noPermission(path)} (${explain(fault)})`
  if (fault.kind !== "not-found") return explain(fault)
  return fault.what === "machine" ? "VM not found" : `${fault.what} ${fault.id} not found`
}

const mishapCodes: Record<MishapKind, Code> = {
  malformed: "BadRequest",
  "no-route": "ResourceNotFound",
  "wrong-method": "BadMethod",
  slow: "RequestTimeout",
  "too-large": "RequestEntityTooLarge",
  "long-url": "RequestUriTooLong",
  internal: "InternalError",
  busy: "ServiceUnavailable",
}

export const renderMishap = ({ kind, why }: Mishap): Answer => refusal(mishapCodes[kind], why)
