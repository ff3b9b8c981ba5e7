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
  /** As sent, with the query; repeated leading slashes are folded. */
  url: string
  path: string
  params: Record<string, string>
  query: Record<string, string | string[]>
  headers: IncomingHttpHeaders
  /** Empty for a streaming route. */
  bytes: Buffer
  /** The body as it comes; only of a streaming route, empty otherwise. */
  stream: Readable
  /** Aborted when the client goes away. */
  signal: AbortSignal
  requestId: string
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
  /** Answers without asking who it is. */
  open?: boolean
  story?: RouteStory
  answer(core: Core, who: Principal, request: Request): Promise<Result<Answer>>
}

export interface Face {
  readonly name: string
  readonly routes: readonly Route[]
  /** Largest body of a route that does not stream. */
  readonly bodyLimitBytes: number
  identify(core: Core, request: Request): Promise<Result<Principal>>
  renderFault(fault: Fault, request: Request): Answer
  /** Headers on every answer, also on faults. */
  headers?(request: Request): Record<string, string>
}
