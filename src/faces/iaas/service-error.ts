/**
 * How this face says what went wrong: a ServiceErrorResponse, as `application/json` and nothing
 * else, because the SDK reads no other type. It never has a stack trace.
 */
import { explain, type Fault, type FaultKind } from "../../domain/fault.ts"
import type { Answer, Mishap, Request } from "../face.ts"

/** What is not answered in a tracker. `again`: the same request may succeed later. */
type Saying = { status: number; again?: true; headers?: Record<string, string> }

const sayings: Record<FaultKind, Saying> = {
  invalid: { status: 400 },
  unauthenticated: { status: 401, headers: { "WWW-Authenticate": 'Bearer realm="tintype"' } },
  forbidden: { status: 403 },
  "not-found": { status: 404 },
  "name-taken": { status: 409 },
  "wrong-state": { status: 409 },
  "in-use": { status: 409 },
  size: { status: 400 },
  quota: { status: 403 },
  "no-space": { status: 507 },
  "bad-image": { status: 400 },
  unsupported: { status: 403 },
  unavailable: { status: 503, again: true, headers: { "Retry-After": "10" } },
  "key-reused": { status: 400 },
  timeout: { status: 504, again: true },
  interrupted: { status: 400, again: true },
  failed: { status: 500 },
}

/** Of what is no thing of the core: the one zone is never another, and there are no deployments. */
export const notHere = (what: string, id = "", request: Request): Answer =>
  said({ status: 404, kind: "not-found", why: `no ${what} ${id.slice(0, 255)}` }, request)

/** What the core calls otherwise. */
const fields: Record<string, string> = {
  metadata: "customProperties",
  memoryMiB: "memoryInMB",
  cpus: "cpuCount",
}

/** Its field by the name that it was sent under. */
const asSent = (fault: Fault): Fault =>
  fault.kind === "invalid" && fault.field !== undefined
    ? { ...fault, field: fields[fault.field] ?? fault.field }
    : fault

export function renderFault(fault: Fault, request: Request): Answer {
  const { status, again = false, headers = {} } = sayings[fault.kind]
  return {
    ...said({ status, kind: fault.kind, why: explain(asSent(fault)), again }, request),
    headers,
  }
}

export const renderMishap = ({ kind, status, why }: Mishap, request: Request): Answer =>
  said({ status, kind, why, again: kind === "busy" || kind === "slow" }, request)

function said(
  {
    status,
    kind,
    why,
    again = false,
  }: { status: number; kind: string; why: string; again?: boolean },
  { requestId }: Request,
): Answer {
  return {
    status,
    body: {
      message: why,
      messageId: kind,
      statusCode: status,
      errorCode: status,
      serverErrorId: requestId,
      documentKind: "com:vmware:xenon:common:ServiceErrorResponse",
      stackTrace: [],
      details: again ? ["SHOULD_RETRY"] : [],
    },
  }
}
