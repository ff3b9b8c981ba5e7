/** How this face says what went wrong: one key that names the fault; plain text where it is 401. */
import {
  explain,
  type Fault,
  type FaultKind,
  type FaultOf,
  type ResourceKind,
} from "../../domain/fault.ts"
import type { Answer, Mishap, MishapKind, Request } from "../face.ts"

type Saying = { status: number; key: string; message: string; headers?: Record<string, string> }

const badRequest = (message: string) => ({ status: 400, key: "badRequest", message })
const conflict = (message: string) => ({ status: 409, key: "conflict", message })
const unavailable = (message: string) => ({ status: 503, key: "serviceUnavailable", message })
const notFound = { status: 404, key: "itemNotFound", message: "Resource not found" }
const later = { "Retry-After": "10" }

/** `unauthenticated` has no body of this kind; it is here so that no fault is left out. */
const sayings: Record<FaultKind, Saying> = {
  invalid: badRequest("BadRequest"),
  unauthenticated: { status: 401, key: "unauthorized", message: "Unauthorized" },
  forbidden: { status: 403, key: "forbidden", message: "forbidden" },
  "not-found": notFound,
  "name-taken": conflict("NameAlreadyExists"),
  "wrong-state": conflict("InvalidState"),
  "in-use": conflict("ResourceInUse"),
  size: badRequest("InvalidSize"),
  quota: { status: 413, key: "overLimit", message: "OverLimit" },
  "no-space": unavailable("InsufficientStorage"),
  "bad-image": badRequest("InvalidImage"),
  unsupported: badRequest("NotSupported"),
  unavailable: { ...unavailable("ServiceUnavailable"), headers: later },
  "key-reused": conflict("KeyReused"),
  timeout: { ...unavailable("Timeout"), headers: later },
  interrupted: badRequest("Interrupted"),
  failed: { status: 500, key: "computeFault", message: "OperationFailed" },
}

const mishaps: Record<MishapKind, Omit<Saying, "status">> = {
  malformed: badRequest("BadRequest"),
  "no-route": notFound,
  "wrong-method": { key: "badMethod", message: "MethodNotAllowed" },
  slow: { key: "badRequest", message: "RequestTimeout" },
  "too-large": { key: "overLimit", message: "RequestEntityTooLarge" },
  "long-url": { key: "badRequest", message: "RequestURITooLong" },
  internal: { key: "computeFault", message: "InternalError" },
  busy: unavailable("ServiceUnavailable"),
}

export function renderFault(fault: Fault, request: Request): Answer {
  if (fault.kind === "unauthenticated") return unauthorized
  const saying = fault.kind === "in-use" ? inUse(fault) : sayings[fault.kind]
  return faultAnswer(saying, detailsOf(fault), request)
}

/** A volume that a server has, and a server that has volumes: this API tells the two apart. */
function inUse({ what, by }: FaultOf<"in-use">): Saying {
  const users = by.map(({ kind }) => kind)
  if (what === "machine" && users.includes("volume")) return badRequest("ExtraVolumesAttached")
  if (what === "volume" && users.includes("machine")) return conflict("VolumeAlreadyAttached")
  return sayings["in-use"]
}

export const renderMishap = ({ kind, status, why }: Mishap, request: Request): Answer =>
  faultAnswer({ ...mishaps[kind], status }, why, request)

/** For what only this API refuses: an action that a server does not know. */
export const unknownAction = (name: string, request: Request): Answer =>
  faultAnswer(
    { status: 405, key: "badMethod", message: "MethodNotAllowed" },
    `there is no action ${JSON.stringify(name.slice(0, 64))}`,
    request,
  )

/** For what is a thing only here. */
export const nothingHere = (noun: string, id: string, request: Request): Answer =>
  faultAnswer(notFound, `no ${noun} ${id}`, request)

function faultAnswer(
  { status, key, message, headers }: Saying,
  details: string,
  { requestId }: Request,
): Answer {
  const errorid = uuid.test(requestId) ? requestId : crypto.randomUUID()
  const body = { [key]: { message, code: status, details, errorid } }
  return headers === undefined ? { status, body } : { status, headers, body }
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

function detailsOf(fault: Fault): string {
  return fault.kind === "not-found" ? `no ${nouns[fault.what]} ${fault.id}` : explain(fault)
}

/** What our words are called here. */
const nouns: Record<ResourceKind, string> = {
  account: "account",
  user: "user",
  key: "key",
  "app-credential": "credential",
  token: "token",
  image: "image",
  volume: "volume",
  machine: "server",
  snapshot: "snapshot",
  point: "snapshot",
  operation: "operation",
}

// Word for word what the clients of this API have been getting: three parts, never JSON.
const unauthorized: Answer = {
  status: 401,
  headers: {
    "WWW-Authenticate": 'Basic realm="FlexCloud", charset="UTF-8"',
    "Content-Type": "text/plain; charset=UTF-8",
  },
  body:
    "401 Unauthorized\n\n" +
    "This server could not verify that you are authorized to access the document you " +
    "requested.  Either you supplied the wrong credentials (e.g., bad password), or your " +
    "browser does not understand how to supply the credentials required.\n\n" +
    " Authentication required \n",
}
