/** An answer on its way out. */
import type { IncomingMessage, ServerResponse } from "node:http"
import { Readable, Transform } from "node:stream"
import { pipeline } from "node:stream/promises"
import type { Answer } from "../faces/face.ts"
import { hasBody } from "./body.ts"

export type Wire = { incoming: IncomingMessage; response: ServerResponse }
export type SendOptions = {
  /** Sent unless the answer says otherwise, whatever the case of its letters. */
  headers: readonly Record<string, string>[]
  /** The connection ends with this answer. */
  last: boolean
  /** A body unread, and larger than this, is not worth keeping the connection for. */
  drainBytes: number
  lingerMs: number
}

/** Rejects when the client did not get all of it; the connection is cut then. */
export async function send(wire: Wire, answer: Answer, options: SendOptions): Promise<void> {
  const { incoming, response } = wire
  const body = encoded(answer)
  const unwanted = unreadBytes(incoming) > options.drainBytes
  const headers = merged([
    ...options.headers,
    body.type === null ? {} : { "Content-Type": body.type },
    answer.headers ?? {},
    body.bytes === null || bodiless(answer.status)
      ? {}
      : { "Content-Length": `${body.bytes.length}` },
    options.last || unwanted ? { Connection: "close" } : {},
  ])
  if (response.destroyed) {
    body.stream?.destroy()
    throw new Error("the client went away before the answer")
  }
  response.writeHead(answer.status, headers)
  // What is left of the request flows past, so that the next one on this connection is reached.
  incoming.resume()
  if (body.stream !== null) return sendStream(wire, body.stream, headers)
  const bytes = incoming.method === "HEAD" ? nothing : body.bytes
  if (unwanted) return sendAgainstTheFlow(wire, bytes ?? nothing, options.lingerMs)
  response.end(bytes ?? nothing)
}

type Encoded =
  | { bytes: Buffer | null; stream: null; type: string | null }
  | { bytes: null; stream: Readable; type: string }

const nothing = Buffer.alloc(0)
const binary = "application/octet-stream"

function encoded({ body }: Answer): Encoded {
  if (body === undefined || body === null) return { bytes: nothing, stream: null, type: null }
  if (body instanceof Readable) return { bytes: null, stream: body, type: binary }
  if (Buffer.isBuffer(body)) return { bytes: body, stream: null, type: binary }
  if (typeof body === "string") {
    return { bytes: Buffer.from(body), stream: null, type: "text/plain; charset=utf-8" }
  }
  const text = JSON.stringify(body)
  return { bytes: Buffer.from(text), stream: null, type: "application/json; charset=utf-8" }
}

const bodiless = (status: number) => status === 204 || status === 304

/** Later ones win; the spelling is that of whoever won. */
function merged(all: readonly Record<string, string>[]): Record<string, string> {
  const kept = new Map<string, [name: string, value: string]>()
  for (const headers of all) {
    for (const [name, value] of Object.entries(headers)) kept.set(name.toLowerCase(), [name, value])
  }
  return Object.fromEntries(kept.values())
}

async function sendStream(
  { incoming, response }: Wire,
  stream: Readable,
  headers: Record<string, string>,
): Promise<void> {
  // Whoever waits for events wants to know at once that it is connected.
  response.flushHeaders()
  if (incoming.method === "HEAD") {
    stream.destroy()
    response.end()
    return
  }
  const length = Object.entries(headers).find(([name]) => /^content-length$/i.test(name))?.[1]
  if (length === undefined) await pipeline(stream, response)
  else await pipeline(stream, exactly(Number(length)), response)
}

/** A stream shorter than was said must look cut, not keep the client waiting for the rest. */
function exactly(promisedBytes: number): Transform {
  let bytes = 0
  const wrong = () => new Error(`an answer of ${promisedBytes} bytes has ${bytes}`)
  return new Transform({
    transform(piece: Buffer, _encoding, next) {
      bytes += piece.length
      if (bytes > promisedBytes) next(wrong())
      else next(null, piece)
    },
    flush: (done) => done(bytes === promisedBytes ? null : wrong()),
  })
}

function unreadBytes(incoming: IncomingMessage): number {
  if (incoming.complete || !hasBody(incoming)) return 0
  return Number(incoming.headers["content-length"] ?? Number.POSITIVE_INFINITY)
}

/**
 * Answers a client that is still sending what we do not want. Closing at once would reset the
 * connection and could take the answer with it, so the answer goes out whole, and its end waits
 * until the client has stopped or the time is up.
 */
function sendAgainstTheFlow({ incoming, response }: Wire, bytes: Buffer, lingerMs: number) {
  return new Promise<void>((resolve) => {
    const finish = () => {
      clearTimeout(timer)
      incoming.off("end", finish).off("close", finish)
      response.end(() => resolve())
      if (response.destroyed) resolve()
    }
    const timer = setTimeout(finish, lingerMs)
    incoming.once("end", finish).once("close", finish)
    if (bytes.length === 0) response.flushHeaders()
    else response.write(bytes)
  })
}
