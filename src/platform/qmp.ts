/**
 * A conversation with QEMU or its storage daemon: the QEMU Machine Protocol (QEMU's
 * docs/interop/qmp-spec). Commands carry ids, so several may be in flight; each has a deadline,
 * for a process whose memory stream stalls stops answering while it still looks alive.
 */
import { Refusal } from "../domain/fault.ts"
import { ConnectionLost, isObject, type JsonObject, jsonLines } from "./json-lines.ts"
import { connectUnix } from "./unix-socket.ts"

export type QmpEvent = {
  name: string
  data: JsonObject
  /** QEMU's clock when it happened, epoch milliseconds with microseconds as the fraction. */
  atMs: number
}

export interface Qmp {
  /**
   * Resolves with the command's `return`. Throws `QmpError` for QEMU's own no, a `timeout`
   * refusal past the deadline (20 s unless told), `ConnectionLost` when the connection ends.
   */
  execute(command: string, args?: object, options?: { timeoutMs?: number }): Promise<unknown>
  /** Returns the function that stops listening. */
  on(event: string, listener: (event: QmpEvent) => void): () => void
  /** The next such event; throws as `execute` does. Ask before doing what causes it. */
  once(event: string, wanted: EventWanted): Promise<QmpEvent>
  /** Resolves when the connection has ended, whoever ended it; never rejects. */
  readonly closed: Promise<void>
  close(): void
}

export type EventWanted = { withinMs: number; matching?(data: JsonObject): boolean }

/** QEMU's own no. `class` is `GenericError`, `CommandNotFound`, `DeviceNotFound`, ... */
export class QmpError extends Error {
  readonly class: string
  readonly desc: string
  constructor(command: string, error: JsonObject) {
    const desc = String(error["desc"] ?? "no reason given")
    super(`${command}: ${desc}`)
    this.name = "QmpError"
    this.class = String(error["class"] ?? "GenericError")
    this.desc = desc
  }
}

export type QmpOptions = {
  /** For the socket to appear, the greeting, and the capabilities, all together. */
  connectWithinMs: number
  /** Gives up connecting: the process has died. */
  signal?: AbortSignal
}

const defaultTimeoutMs = 20_000
const maxLineBytes = 16 * 2 ** 20

export async function openQmp(socketPath: string, options: QmpOptions): Promise<Qmp> {
  const started = performance.now()
  const socket = await connectUnix(socketPath, {
    withinMs: options.connectWithinMs,
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  })
  const leftMs = () => Math.max(1, options.connectWithinMs - (performance.now() - started))
  const waiting = new Waiting()
  const lines = jsonLines(socket, { maxLineBytes, onMessage: (message) => waiting.take(message) })
  lines.closed.then(() => waiting.abandon()).catch(() => {})

  let lastId = 0
  const qmp: Qmp = {
    closed: lines.closed,
    close: () => lines.close(),
    execute(command, args, { timeoutMs = defaultTimeoutMs } = {}) {
      lastId += 1
      const answer = waiting.forAnswer(lastId, command, timeoutMs)
      lines.send({ execute: command, ...(args ? { arguments: args } : {}), id: lastId })
      return answer
    },
    on: (event, listener) => waiting.listen(event, listener),
    once: (event, wanted) => waiting.forEvent(event, wanted),
  }
  let knocking: NodeJS.Timeout | undefined
  try {
    // Another client may have the socket: then it connects, but never greets.
    await waiting.forEvent(greeting, { withinMs: leftMs() })
    knocking = setInterval(() => void knock(socketPath), knockEveryMs)
    await qmp.execute("qmp_capabilities", {}, { timeoutMs: leftMs() })
    return qmp
  } catch (cause) {
    qmp.close()
    throw cause
  } finally {
    clearInterval(knocking)
  }
}

/**
 * While QEMU starts, it moves the monitor's listening socket from its main loop to a thread. A
 * client that comes at this very moment wakes both, and whoever is second waits in accept(2) for
 * another one: the main loop, for ever. It has greeted by then, and answers nothing. The next who
 * connects releases it, and is turned away. Never before the greeting: QEMU has not taken us up
 * yet, and whoever comes second might be taken in our place.
 */
async function knock(socketPath: string): Promise<void> {
  try {
    const socket = await connectUnix(socketPath, { withinMs: 0 })
    socket.destroy()
  } catch {
    // Nobody listens any more, or somebody has knocked already.
  }
}

const knockEveryMs = 500
const greeting = "the greeting"

type Listener = (event: QmpEvent) => void

/** Who waits for which answer or event. Every one of them is told, one way or the other. */
class Waiting {
  readonly #answers = new Map<number, (answer: JsonObject) => void>()
  readonly #listeners = new Map<string, Set<Listener>>()
  readonly #abandoned = new Set<(cause: Error) => void>()
  #ended = false

  take(message: JsonObject): void {
    const event = eventOf(message)
    if (event !== undefined) {
      for (const listener of [...(this.#listeners.get(event.name) ?? [])]) listener(event)
      return
    }
    // An answer past its deadline finds nobody waiting.
    if (typeof message["id"] === "number") this.#answers.get(message["id"])?.(message)
  }

  forAnswer(id: number, command: string, timeoutMs: number): Promise<unknown> {
    return this.#within(`QMP ${command}`, timeoutMs, (resolve, reject, cleanup) => {
      cleanup(() => this.#answers.delete(id))
      this.#answers.set(id, (answer) => {
        if (isObject(answer["error"])) reject(new QmpError(command, answer["error"]))
        else resolve(answer["return"])
      })
    })
  }

  forEvent(name: string, { withinMs, matching }: EventWanted): Promise<QmpEvent> {
    const what = name === greeting ? "QMP" : `the QMP event ${name}`
    return this.#within(what, withinMs, (resolve, _reject, cleanup) => {
      const listener = (event: QmpEvent) => {
        if (matching?.(event.data) ?? true) resolve(event)
      }
      cleanup(this.listen(name, listener))
    })
  }

  listen(name: string, listener: Listener): () => void {
    const listeners = this.#listeners.get(name) ?? new Set()
    this.#listeners.set(name, listeners.add(listener))
    return () => void listeners.delete(listener)
  }

  abandon(): void {
    this.#ended = true
    for (const drop of [...this.#abandoned]) drop(new ConnectionLost("QEMU"))
  }

  /** A promise that ends: by what `arrange` arranges, by the deadline, or with the connection. */
  #within<T>(
    what: string,
    timeoutMs: number,
    arrange: (
      resolve: (value: T) => void,
      reject: (cause: Error) => void,
      cleanup: (undo: () => void) => void,
    ) => void,
  ): Promise<T> {
    if (this.#ended) return Promise.reject(new ConnectionLost("QEMU"))
    return new Promise<T>((resolve, reject) => {
      const undos: (() => void)[] = []
      const ended = () => {
        clearTimeout(timer)
        this.#abandoned.delete(fail)
        for (const undo of undos) undo()
      }
      const fail = (cause: Error) => {
        ended()
        reject(cause)
      }
      const timer = setTimeout(
        () => fail(new Refusal({ kind: "timeout", what, afterMs: Math.round(timeoutMs) })),
        timeoutMs,
      )
      this.#abandoned.add(fail)
      const succeed = (value: T) => {
        ended()
        resolve(value)
      }
      arrange(succeed, fail, (undo) => undos.push(undo))
    })
  }
}

function eventOf(message: JsonObject): QmpEvent | undefined {
  if (isObject(message["QMP"])) return { name: greeting, data: message["QMP"], atMs: 0 }
  if (typeof message["event"] !== "string") return undefined
  const { event, data, timestamp } = message
  const { seconds, microseconds } = isObject(timestamp) ? timestamp : {}
  const atMs = Number(seconds ?? 0) * 1000 + Number(microseconds ?? 0) / 1000
  return { name: event, data: isObject(data) ? data : {}, atMs }
}
