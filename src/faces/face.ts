/**
 * The contract of a face: what the outside calls it. A face is a dictionary, not a brain: it says
 * who asks, what is wished, and how answers and faults are worded. Business lives in the core.
 */
import type { IncomingHttpHeaders } from "node:http"
import type { Readable } from "node:stream"
import type { ZodType } from "zod"
import type { Core } from "../core/core.ts"
import type { Principal } from "../domain/account.ts"
import type { Fault, Result } from "../domain/fault.ts"

export type Method = "GET" | "HEAD" | "POST" | "PUT" | "PATCH" | "DELETE"

export type Request = {
  method: Method
  /** With the query; repeated slashes are folded. */
  url: string
  /** The very text of the request line, for those who sign it. */
  urlAsSent: string
  path: string
  /** How the client reached this listener; with the Host header, what links begin with. */
  scheme: "http" | "https"
  params: Record<string, string>
  query: Record<string, string | string[]>
  headers: IncomingHttpHeaders
  /** Empty for a streaming route, and while `identify` looks at the request. */
  bytes: Buffer
  /** The body as it comes; only of a streaming route, empty otherwise. */
  stream: Readable
  /** Aborted when the client goes away. */
  signal: AbortSignal
  /** Aborted when the service begins to stop: what waits for news should end or answer now. */
  closing: AbortSignal
  requestId: string
  /** When it came, on the clock of `performance.now()`. */
  receivedAt: number
  remoteAddress: string
}

export type Answer = {
  status: number
  headers?: Record<string, string>
  /** Objects are sent as JSON; strings and buffers as they are; streams as they come. */
  body?: object | string | Buffer | Readable | null
}

/** What describes a route to people and to the OpenAPI document; faces without one leave it out. */
export type RouteStory = {
  summary: string
  tag: string
  params?: ZodType
  query?: ZodType
  body?: ZodType
  /** Status → schema of the answer's body, or a media type for streams. */
  answers: Record<number, ZodType | string | null>
}

export type Route = {
  method: Method
  /** `:name` is one segment. */
  path: string
  /** The body is handed over as a stream and has no size limit here. */
  streaming?: boolean
  /**
   * Its answer may go on for as long as someone listens or bytes flow: counted apart from the
   * others, and a GET has no HEAD twin, because asking is work.
   */
  lasting?: boolean
  /** Answers without asking who it is; `who` is then nobody. */
  open?: boolean
  story?: RouteStory
  answer(core: Core, who: Principal, request: Request): Promise<Result<Answer>>
}

/**
 * What goes wrong between client and route, where the core is never asked: the words of HTTP
 * itself, which each face says in its own error shape. `status` and `why` may be used as they are.
 */
export type Mishap = { kind: MishapKind; status: number; why: string }
export type MishapKind =
  | "malformed" // 400
  | "no-route" // 404
  | "wrong-method" // 405; the Allow header is set already
  | "slow" // 408: the body did not come in time
  | "too-large" // 413
  | "long-url" // 414
  | "internal" // 500: a bug; the details are in the log under the request id
  | "busy" // 503; Retry-After is set already

export interface Face {
  readonly name: string
  readonly routes: readonly Route[]
  /** Largest body of a route that does not stream. */
  readonly bodyLimitBytes: number
  /** Comes before the body is read, so that a stranger cannot send one. */
  identify(core: Core, request: Request): Promise<Result<Principal>>
  renderFault(fault: Fault, request: Request): Answer
  renderMishap(mishap: Mishap, request: Request): Answer
  /** Headers on every answer, also on faults. */
  headers?(request: Request): Record<string, string>
}
