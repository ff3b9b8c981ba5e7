/**
 * How these APIs say what went wrong. Block storage has named faults, in JSON and XML; Identity
 * v2.0 has the same in JSON alone, Identity v3 an `error`. The path says whose words are used.
 */
import {
  explain,
  type Fault,
  type FaultKind,
  type FaultOf,
  type ResourceKind,
} from "../../domain/fault.ts"
import type { Answer, Mishap, MishapKind, Request } from "../face.ts"
import { whoseWords } from "./dialects.ts"
import { faultInFormat, wantedFormat } from "./formats.ts"
import { stateWord } from "./states.ts"

type Saying = { status: number; message: string; retryAfterS?: number }

const names: Readonly<Record<number, string>> = {
  400: "badRequest",
  401: "unauthorized",
  403: "forbidden",
  404: "itemNotFound",
  405: "badMethod",
  409: "conflictingRequest",
  412: "invalidImage",
  413: "overLimit",
  415: "badMediaType",
  422: "unprocessableEntity",
  501: "notImplemented",
  503: "serviceUnavailable",
}

const noToken = "The request you have made requires authentication."

const sayings: { readonly [K in FaultKind]: (fault: FaultOf<K>) => Saying } = {
  invalid: (fault) => ({ status: 400, message: explain(fault) }),
  unauthenticated: () => ({ status: 401, message: noToken }),
  forbidden: ({ why }) => ({ status: 403, message: `Policy does not allow this: ${why}.` }),
  "not-found": ({ what, id }) => ({
    status: 404,
    message: `${nounOf(what)} ${id} could not be found.`,
  }),
  "name-taken": (fault) => ({ status: 409, message: explain(fault) }),
  "wrong-state": ({ what, id, is, needs }) => ({
    status: 400,
    message:
      `Invalid ${nounOf(what).toLowerCase()}: ${nounOf(what)} ${id} status must be ` +
      `${needs.map(stateWord).join(" or ")}, but current status is: ${stateWord(is)}.`,
  }),
  "in-use": (fault) => ({ status: 400, message: `${sayInUse(fault)}.` }),
  size: (fault) => ({ status: 400, message: saySize(fault) }),
  quota: (fault) => ({ status: 413, message: sayQuota(fault), retryAfterS: 0 }),
  "no-space": (fault) => ({ status: 413, message: explain(fault), retryAfterS: 60 }),
  "bad-image": (fault) => ({ status: 412, message: explain(fault) }),
  unsupported: (fault) => ({ status: 501, message: explain(fault) }),
  unavailable: (fault) => ({ status: 503, message: explain(fault), retryAfterS: 10 }),
  "key-reused": (fault) => ({ status: 409, message: explain(fault) }),
  timeout: (fault) => ({ status: 503, message: explain(fault), retryAfterS: 10 }),
  interrupted: (fault) => ({ status: 400, message: explain(fault) }),
  failed: (fault) => ({ status: 500, message: explain(fault) }),
}

/** A point is what this API calls a snapshot. */
function nounOf(what: ResourceKind): string {
  if (what === "point") return "Snapshot"
  if (what === "account") return "Project"
  return what.charAt(0).toUpperCase() + what.slice(1)
}

/** Without a full stop: more may follow. */
export function sayInUse({ what, id, by, hint }: FaultOf<"in-use">): string {
  if (what !== "volume") return `Invalid ${what}: ${what} ${id} is in use; ${hint}`
  const rule =
    "Volume status must be available or error, and it must not be attached or have snapshots"
  const machine = by.find(({ kind }) => kind === "machine")
  const why =
    machine === undefined
      ? `it has ${by.length} dependent snapshot${by.length === 1 ? "" : "s"}`
      : `it is attached to ${machine.id}`
  return `Invalid volume: ${rule}, but of volume ${id}: ${why}`
}

const gibOf = (bytes: number) => Math.ceil(bytes / 2 ** 30)

function saySize({ bytes, atLeast, atMost }: FaultOf<"size">): string {
  const size = gibOf(bytes)
  if (atLeast !== undefined && bytes < atLeast) {
    const least = gibOf(atLeast)
    return (
      `Invalid input received: Volume size '${size}'GB cannot be smaller than the snapshot size ` +
      `${least}GB. They must be >= original snapshot size.`
    )
  }
  return `Invalid input received: Volume size '${size}'GB is more than ${gibOf(atMost ?? 0)}GB.`
}

function sayQuota({ what, limit, used, requested = 1 }: FaultOf<"quota">): string {
  if (!what.startsWith("bytes")) return `Maximum number of ${what} allowed (${limit}) exceeded`
  return (
    "Requested volume or snapshot exceeds allowed gigabytes quota. " +
    `Requested ${gibOf(requested)}G, quota is ${gibOf(limit)}G and ` +
    `${gibOf(used)}G has been consumed.`
  )
}

export function renderFault(fault: Fault, request: Request): Answer {
  const say = sayings[fault.kind] as (fault: Fault) => Saying
  return told(say(fault), request)
}

/** For what only this API refuses, in its own words. */
export const refused = (request: Request, status: number, message: string): Answer =>
  told({ status, message }, request)

const mishapStatus: Partial<Record<MishapKind, string>> = {
  "no-route": "The resource could not be found.",
  "wrong-method": "The method is not allowed for this resource.",
  internal: "The server has either erred or is incapable of performing the requested operation.",
}

export const renderMishap = ({ kind, status, why }: Mishap, request: Request): Answer =>
  told({ status, message: mishapStatus[kind] ?? why }, request)

function told(saying: Saying, request: Request): Answer {
  const { status, message } = saying
  const name = names[status] ?? "computeFault"
  const whose = whoseWords(request.path)
  if (whose === "volume") {
    return faultInFormat(wantedFormat(request), { ...saying, name })
  }
  if (whose === "identity-v2") return faultInFormat("json", { ...saying, name })
  const error = { code: status, title: titles[status] ?? "Error", message }
  return { status, headers: { "Content-Type": "application/json" }, body: { error } }
}

const titles: Readonly<Record<number, string>> = {
  400: "Bad Request",
  401: "Unauthorized",
  403: "Forbidden",
  404: "Not Found",
  405: "Method Not Allowed",
  409: "Conflict",
  413: "Request Entity Too Large",
  415: "Unsupported Media Type",
  503: "Service Unavailable",
}
