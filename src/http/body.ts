/** The two ways a request's body reaches a face: whole and bounded, or as it comes. */
import type { IncomingMessage } from "node:http"
import { Readable } from "node:stream"

export const hasBody = (incoming: IncomingMessage): boolean =>
  incoming.headers["transfer-encoding"] !== undefined ||
  Number(incoming.headers["content-length"] ?? 0) > 0

/** `gone`: the client went away before the end, and there is nobody to answer. */
export type BodyTrouble = "too-large" | "slow" | "gone"

/** Collects the whole body, at most `limitBytes` and within `withinMs`. */
export function collect(
  incoming: IncomingMessage,
  { limitBytes, withinMs }: { limitBytes: number; withinMs: number },
): Promise<Buffer | BodyTrouble> {
  if (!hasBody(incoming)) return Promise.resolve(nothing)
  if (Number(incoming.headers["content-length"] ?? 0) > limitBytes) {
    return Promise.resolve("too-large")
  }
  return new Promise((resolve) => {
    const pieces: Buffer[] = []
    let held = 0
    const settle = (outcome: Buffer | BodyTrouble) => {
      clearTimeout(timer)
      incoming.off("data", take).off("end", finish).off("close", lost)
      incoming.pause()
      resolve(outcome)
    }
    const take = (piece: Buffer) => {
      pieces.push(piece)
      held += piece.length
      if (held > limitBytes) settle("too-large")
    }
    const finish = () => settle(Buffer.concat(pieces))
    const lost = () => settle("gone")
    const timer = setTimeout(() => settle("slow"), withinMs)
    incoming.on("data", take).once("end", finish).once("close", lost)
  })
}

const nothing = Buffer.alloc(0)

export const clientLeft = (): Error => new Error("the client went away before the end")

/**
 * The body as a stream of its own. Whoever reads it may destroy it when it has had enough, without
 * tearing down the connection on which the reason is still to be told. A client that goes away
 * before the end is an error of the stream, never an end.
 */
export function bodyStream(incoming: IncomingMessage): Readable {
  if (!hasBody(incoming)) return emptyStream()
  let begun = false
  const body = new Readable({
    read() {
      if (!begun) {
        begun = true
        incoming.on("data", take).once("end", finish).once("close", lost)
      }
      incoming.resume()
    },
    destroy(error, done) {
      incoming.off("data", take).off("end", finish).off("close", lost)
      incoming.pause()
      done(error)
    },
  })
  const take = (piece: Buffer) => {
    if (!body.push(piece)) incoming.pause()
  }
  const finish = () => body.push(null)
  const lost = () => {
    if (!incoming.complete) body.destroy(clientLeft())
  }
  // Nobody may be reading it when its client leaves.
  return body.on("error", () => {})
}

export function emptyStream(): Readable {
  const empty = new Readable({
    read() {
      this.push(null)
    },
  })
  return empty.on("error", () => {})
}
