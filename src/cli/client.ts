/**
 * The native API over HTTP. Every refusal of the server becomes a `Failure` with its own words.
 *
 * A connection that breaks before an answer is tried again where that is safe: reads always, and
 * POSTs because each carries an Idempotency-Key, under which the server does the work once. Where
 * nobody answers at all nothing was asked, and a server that is only starting is waited for.
 */
import { randomUUID } from "node:crypto"
import type { ClientRequest, IncomingMessage } from "node:http"
import { request as httpsRequest } from "node:https"
import { setTimeout as sleep } from "node:timers/promises"
import type { Server } from "./connection.ts"
import { Failure, failed } from "./failure.ts"

// Read so, and not imported: that would load a second HTTP client, of all that the module exports,
// and take a tenth of a second (Node 24).
const { request: httpRequest } = process.getBuiltinModule("node:http")

export type Query = Record<string, string | number | boolean | undefined>

export type Ask = {
  method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE"
  path: string
  query?: Query
  /** Sent as JSON. */
  body?: unknown
  headers?: Record<string, string>
  /** Longest silence on the connection. */
  silenceMs?: number
  /** Not tried again when the connection breaks. */
  once?: boolean
}

/** Sends a request's body; ends early, without an error, when the server answers meanwhile. */
export type Sender = (request: ClientRequest) => Promise<void>

export interface Client {
  readonly url: URL
  /** The answer's body; the server's word for its shape is taken. */
  json<T>(ask: Ask): Promise<T>
  /** All pages of a list. */
  all<T>(path: string, query?: Query): Promise<T[]>
  /** The answer as it comes, status checked; the body is the caller's to read. */
  open(ask: Ask, send?: Sender): Promise<IncomingMessage>
}

/** The connection failed, as against the server having refused. */
export class Unreachable extends Failure {}

const defaultSilenceMs = 90_000
const attempts = 3
/** Attempts before a person is told what is waited for. */
const patientlyFrom = 5
const largestJsonBytes = 256 * 2 ** 20

/** Where the server is; looked up again when nobody answers there. */
export type Finding = {
  find(): Server
  /** Waits a moment, unless it is no use any more. */
  patience(): () => Promise<boolean>
  /** For people. */
  say(words: string): void
}

export function openClient(finding: Finding, account: string | undefined): Client {
  let server = finding.find()
  const identity = () => ({
    ...("token" in server ? { authorization: `Bearer ${server.token}` } : {}),
    ...(account === undefined ? {} : { "x-tintype-account": account }),
  })

  async function reach(ask: Ask, send?: Sender): Promise<IncomingMessage> {
    const mayStillCome = finding.patience()
    for (let attempt = 1; ; attempt++) {
      try {
        return await exchange(server.url, { ...ask, headers: headersOf(ask, identity()) }, send)
      } catch (cause) {
        // What is streamed was begun to be read; a command that streams has asked before.
        const isWorthIt = cause instanceof Nobody && send === undefined && (await mayStillCome())
        if (!isWorthIt) throw cause
        if (attempt === patientlyFrom) {
          finding.say(`nothing answers at ${server.url.origin} yet; waiting for it`)
        }
        server = finding.find()
      }
    }
  }

  async function open(ask: Ask, send?: Sender): Promise<IncomingMessage> {
    const answer = await reach(ask, send)
    const status = answer.statusCode ?? 0
    if (status >= 200 && status <= 299) return answer
    const failure = await refusal(answer, status)
    throw status === 401 && "tokenless" in server ? new Failure("auth", server.tokenless) : failure
  }

  async function json<T>(ask: Ask): Promise<T> {
    const safe = ask.once !== true && (ask.method === "GET" || ask.method === "POST")
    // One key for all attempts.
    const repeatable = { ...ask, headers: { ...keyFor(ask), ...ask.headers } }
    for (let attempt = 1; ; attempt++) {
      try {
        return JSON.parse(await readText(await open(repeatable))) as T
      } catch (cause) {
        if (!safe || attempt === attempts || !(cause instanceof Broken)) throw cause
        await sleep(100 * attempt)
      }
    }
  }

  async function all<T>(path: string, query: Query = {}): Promise<T[]> {
    const items: T[] = []
    for (let after: string | undefined; ; ) {
      type Page = { items: T[]; next: string | null }
      const ask = { method: "GET", path, query: { limit: 1000, ...query, after } } as const
      const page = await json<Page>(ask)
      items.push(...page.items)
      if (page.next === null) return items
      after = page.next
    }
  }

  return {
    get url() {
      return server.url
    },
    json,
    all,
    open,
  }
}

function headersOf(ask: Ask, identity: Record<string, string>): Record<string, string> {
  return {
    ...identity,
    accept: "application/json, */*",
    ...keyFor(ask),
    ...(ask.body === undefined ? {} : { "content-type": "application/json" }),
    ...ask.headers,
  }
}

const keyFor = ({ method }: Ask) => (method === "POST" ? { "idempotency-key": randomUUID() } : {})

/** There was no connection. */
class Nobody extends Unreachable {}

/** The connection was there and broke before the answer was. */
class Broken extends Unreachable {}

function exchange(base: URL, ask: Ask, send?: Sender): Promise<IncomingMessage> {
  const url = new URL(base.pathname.replace(/\/+$/, "") + ask.path, base)
  for (const [name, value] of Object.entries(ask.query ?? {})) {
    if (value !== undefined) url.searchParams.set(name, String(value))
  }
  const silenceMs = ask.silenceMs ?? defaultSilenceMs
  return new Promise((resolve, reject) => {
    const start = url.protocol === "https:" ? httpsRequest : httpRequest
    const request = start(url, { method: ask.method, headers: ask.headers ?? {} })
    let sendingFailed: unknown
    request.once("response", (answer) => {
      // Answered before all was sent: nobody reads the rest.
      answer.once("end", () => request.writableEnded || request.destroy())
      resolve(answer)
    })
    request.once("error", (cause) => reject(sendingFailed ?? unreachable(base, cause)))
    request.setTimeout(silenceMs, () => {
      const seconds = Math.round(silenceMs / 1000)
      request.destroy(new Failure("timeout", `${base.origin} said nothing for ${seconds} s`))
    })
    if (send === undefined) {
      request.end(ask.body === undefined ? undefined : JSON.stringify(ask.body))
      return
    }
    send(request).catch((cause: unknown) => {
      sendingFailed = cause
      request.destroy(cause instanceof Error ? cause : new Error(String(cause)))
    })
  })
}

function unreachable(base: URL, cause: NodeJS.ErrnoException): Error {
  if (cause instanceof Failure) return cause
  if (cause.code === "ECONNREFUSED") {
    const hint = "is the server running? start it with: ./tintype serve"
    return new Nobody("failure", `nothing answers at ${base.origin}; ${hint}`)
  }
  return new Broken("failure", `the connection to ${base.origin} failed: ${cause.message}`)
}

async function readText(answer: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of answer) {
      chunks.push(chunk)
      bytes += chunk.length
      if (bytes > largestJsonBytes) throw new Failure("failure", "the answer is too long")
    }
  } catch (cause) {
    if (cause instanceof Failure) throw cause
    throw new Broken("failure", `the answer was cut off: ${(cause as Error).message}`)
  }
  return Buffer.concat(chunks).toString("utf8")
}

/** An RFC 9457 problem in words; whatever else may answer (a proxy) by its status. */
async function refusal(answer: IncomingMessage, status: number): Promise<Failure> {
  const text = await readText(answer)
  try {
    const problem = JSON.parse(text)
    const words = problem.detail ?? problem.title ?? `the server answered ${status}`
    // A bug of the server's has no details; its request id finds it in the server's log.
    const trace = status >= 500 && problem.requestId ? ` (request ${problem.requestId})` : ""
    return failed(problem.kind, status, `${words}${trace}`)
  } catch {
    const said = text.trim().slice(0, 200)
    return failed(undefined, status, `the server answered ${status}${said ? `: ${said}` : ""}`)
  }
}
