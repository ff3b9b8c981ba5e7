/**
 * One request from its route to the end of its answer: who asks, the body, the face's answer, and
 * what the client sees when any of that goes wrong. Nothing thrown in here leaves the house: the
 * client gets a request id, the log gets the reason.
 */
import { Readable } from "node:stream"
import type { Logger } from "pino"
import type { Core } from "../core/core.ts"
import type { Principal } from "../domain/account.ts"
import { ok, type Result } from "../domain/fault.ts"
import type { AccountId, Id, UserId } from "../domain/ids.ts"
import type { Answer, Face, Request, Route } from "../faces/face.ts"
import { bodyStream, clientLeft, collect, emptyStream } from "./body.ts"
import type { Limits } from "./limits.ts"
import { mishapAnswer, type Trouble } from "./mishap.ts"
import { type Found, readRequest } from "./request.ts"
import { send, type Wire } from "./send.ts"

/** Told after each exchange, for counting; `route` is the pattern, never the path. */
export type Exchanged = {
  face: string
  method: string
  route: string
  status: number
  durationMs: number
}

/** What all exchanges of one listener share. */
export type Desk = {
  face: Face
  core: Core
  log: Logger
  metrics: (exchanged: Exchanged) => void
  limits: Limits
  closing: AbortSignal
  /** How many are at work: brief ones, and those that last as long as bytes flow. */
  load: { brief: number; lasting: number }
}

/** Where a request is led to. */
export type Destination = { route: Route } | { trouble: Trouble }

export async function exchange(
  desk: Desk,
  destination: Destination,
  found: Found,
  wire: Wire,
): Promise<void> {
  const startedAt = performance.now()
  const gone = new AbortController()
  const streaming = "route" in destination && destination.route.streaming
  const stream = streaming ? bodyStream(wire.incoming) : emptyStream()
  const { closing } = desk
  const request = readRequest(wire.incoming, found, { stream, signal: gone.signal, closing })
  const lane = laneOf(destination)
  const crowded = desk.load[lane] >= capacity(desk.limits, lane)
  desk.load[lane] += 1
  wire.response.once("close", () => {
    desk.load[lane] -= 1
    const left = wire.response.writableFinished ? undefined : clientLeft()
    if (left !== undefined) gone.abort(left)
    stream.destroy(left)
    note(desk, destination, request, wire.response.statusCode, performance.now() - startedAt)
  })
  const answer = await answerTo(desk, crowded ? { trouble: busy } : destination, request, wire)
  stream.destroy()
  if (answer === "gone") wire.response.destroy()
  else await deliver(desk, request, wire, answer)
}

const busy: Trouble = { kind: "busy", headers: { "Retry-After": "1" } }

type Lane = keyof Desk["load"]

function laneOf(destination: Destination): Lane {
  if (!("route" in destination)) return "brief"
  return destination.route.lasting || destination.route.streaming ? "lasting" : "brief"
}

const capacity = (limits: Limits, lane: Lane) =>
  lane === "lasting" ? limits.lastingExchanges : limits.exchanges

async function answerTo(
  desk: Desk,
  destination: Destination,
  request: Request,
  wire: Wire,
): Promise<Answer | "gone"> {
  const { face, limits } = desk
  const failed = (trouble: Trouble) => mishapAnswer(face, trouble, request)
  if ("trouble" in destination) return failed(destination.trouble)
  if (request.urlAsSent.length > limits.urlBytes) return failed({ kind: "long-url" })
  const { route } = destination
  try {
    const who: Result<Principal> = route.open ? ok(nobody) : await face.identify(desk.core, request)
    if (!who.ok) return face.renderFault(who.fault, request)
    if (!route.streaming) {
      const atMost = { limitBytes: face.bodyLimitBytes, withinMs: limits.bodyMs }
      const bytes = await collect(wire.incoming, atMost)
      if (bytes === "gone") return "gone"
      if (bytes === "slow" || bytes === "too-large") return failed({ kind: bytes })
      request.bytes = bytes
    }
    const answer = await route.answer(desk.core, who.value, request)
    return answer.ok ? answer.value : face.renderFault(answer.fault, request)
  } catch (cause) {
    desk.log.error({ requestId: request.requestId, err: cause }, "a request failed")
    return failed({ kind: "internal" })
  }
}

const zero = "00000000-0000-0000-0000-000000000000" as Id<never>
const nobody: Principal = Object.freeze({
  userId: zero as UserId,
  accountId: zero as AccountId,
  role: "reader",
  everywhere: false,
})

async function deliver(desk: Desk, request: Request, wire: Wire, answer: Answer): Promise<void> {
  const options = {
    headers: [
      plainHeaders,
      { "X-Request-Id": request.requestId },
      desk.face.headers?.(request) ?? {},
    ],
    last: desk.closing.aborted,
    drainBytes: desk.face.bodyLimitBytes,
    lingerMs: desk.limits.lingerMs,
  }
  try {
    await send(wire, answer, options)
  } catch (cause) {
    if (answer.body instanceof Readable) answer.body.destroy()
    const { requestId, signal } = request
    // A client that hangs up is its own business; anything else is ours.
    const level = signal.aborted ? "debug" : "error"
    desk.log[level]({ requestId, err: cause }, "an answer was cut short")
    if (!wire.response.headersSent && !wire.response.destroyed) {
      return deliver(desk, request, wire, mishapAnswer(desk.face, { kind: "internal" }, request))
    }
    // The only way left to say that what came so far is not the whole.
    wire.response.destroy()
  }
}

/** Nothing here is to be framed, sniffed, kept in a cache or named to other sites. */
const plainHeaders = {
  "X-Content-Type-Options": "nosniff",
  "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
  "Referrer-Policy": "no-referrer",
  "Cache-Control": "no-store",
}

function note(
  desk: Desk,
  destination: Destination,
  request: Request,
  status: number,
  durationMs: number,
) {
  const { method, params, requestId, remoteAddress, headers } = request
  const route = "route" in destination ? destination.route.path : "none"
  const cut = request.signal.aborted
  desk.metrics({ face: desk.face.name, method, route, status, durationMs })
  const line = { face: desk.face.name, requestId, method, route, params, status, durationMs, cut }
  if (desk.log.isLevelEnabled("trace"))
    desk.log.trace({ ...line, remoteAddress, headers }, "request")
  else desk.log.debug({ ...line, remoteAddress }, "request")
}
