/**
 * One JSON value a line over a socket, as QEMU's monitor and its guest agent speak it.
 *
 * The other side is not trusted to be sane (the agent's words come from inside a guest): a line
 * longer than the limit, or one that is not a JSON object, ends the connection.
 */
import type { Socket } from "node:net"

export type JsonObject = { readonly [key: string]: unknown }

export interface JsonLines {
  /** `fresh` puts a 0xFF before it, which makes the guest agent forget half a line it has. */
  send(value: JsonObject, fresh?: "fresh"): void
  /** Resolves when the connection has ended, whoever ended it; never rejects. */
  readonly closed: Promise<void>
  close(): void
}

/** What every caller still waiting for an answer gets when the connection ends. */
export class ConnectionLost extends Error {
  constructor(what: string) {
    super(`the connection to ${what} ended`)
    this.name = "ConnectionLost"
  }
}

const newline = 0x0a
// Never part of UTF-8. The agent sends it before a synchronising answer: what came before is void.
const sentinel = 0xff

export function jsonLines(
  socket: Socket,
  options: { maxLineBytes: number; onMessage(message: JsonObject): void },
): JsonLines {
  const closed = new Promise<void>((resolve) => {
    if (socket.closed) resolve()
    else socket.once("close", () => resolve())
  })
  const line = lineCutter(options.maxLineBytes)
  socket.on("error", () => socket.destroy())
  socket.on("data", (chunk: Buffer) => {
    for (const text of line(chunk)) {
      const message = text === tooLong ? undefined : parsed(text)
      if (message === undefined) {
        socket.destroy()
        return
      }
      options.onMessage(message)
    }
  })
  return {
    closed,
    send(value, fresh) {
      if (socket.destroyed) return
      if (fresh) socket.write(Buffer.from([sentinel]))
      socket.write(`${JSON.stringify(value)}\n`)
    },
    close: () => void socket.destroy(),
  }
}

const tooLong = Symbol("a line over the limit")

/** Collects chunks until a line is whole, so that a long line costs no quadratic copying. */
function lineCutter(maxLineBytes: number) {
  let pieces: Buffer[] = []
  let heldBytes = 0
  return function* cut(chunk: Buffer): Generator<string | typeof tooLong> {
    let rest = chunk
    const restart = rest.lastIndexOf(sentinel)
    if (restart >= 0) {
      rest = rest.subarray(restart + 1)
      pieces = []
      heldBytes = 0
    }
    for (let end = rest.indexOf(newline); end >= 0; end = rest.indexOf(newline)) {
      const text = Buffer.concat([...pieces, rest.subarray(0, end)]).toString("utf8")
      pieces = []
      heldBytes = 0
      rest = rest.subarray(end + 1)
      if (text.trim() !== "") yield text
    }
    if (rest.length === 0) return
    pieces.push(rest)
    heldBytes += rest.length
    if (heldBytes > maxLineBytes) yield tooLong
  }
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value)
}
