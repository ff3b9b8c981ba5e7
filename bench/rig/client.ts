/** The thinnest HTTP client that keeps its connections: what it costs should not be measured. */
import { Agent, type IncomingMessage, request } from "node:http"
import type { Readable } from "node:stream"
import { pipeline } from "node:stream/promises"

export interface Client {
  /** JSON in, JSON out. Throws for every status but a 2xx. */
  ask<T>(method: string, path: string, body?: object): Promise<T>
  /** Resolves when the server has answered that it has all of it. */
  send(path: string, stream: Readable, headers: Record<string, string>): Promise<void>
  /** Reads the answer to its end and throws it away; resolves with how many bytes it had. */
  drain(path: string): Promise<number>
  /** The native API's own way to wait for work. */
  untilDone(operationId: string): Promise<void>
  close(): void
}

export function openClient(base: string, identity: Record<string, string>): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })

  const exchange = (
    method: string,
    path: string,
    headers: Record<string, string | number>,
    body?: string | Readable,
  ) =>
    new Promise<IncomingMessage>((resolve, reject) => {
      const asked = request(new URL(path, base), {
        method,
        agent,
        headers: { ...identity, ...headers },
      })
      asked.once("response", resolve).once("error", reject)
      if (typeof body === "object") pipeline(body, asked).catch(reject)
      else asked.end(body)
    })

  const client: Client = {
    async ask<T>(method: string, path: string, body?: object): Promise<T> {
      const text = body === undefined ? "" : JSON.stringify(body)
      const headers = { "content-length": Buffer.byteLength(text) }
      const json = body === undefined ? {} : { "content-type": "application/json" }
      const answer = await exchange(method, path, { ...headers, ...json }, text)
      return JSON.parse(await textOf(answer)) as T
    },

    async send(path, stream, headers) {
      await textOf(await exchange("PUT", path, headers, stream))
    },

    async drain(path) {
      const answer = await exchange("GET", path, {})
      if (answer.statusCode !== 200) throw new Error(await textOf(answer))
      let bytes = 0
      for await (const piece of answer) bytes += (piece as Buffer).length
      return bytes
    },

    async untilDone(operationId) {
      for (;;) {
        type Operation = { kind: string; state: string; reason: string | null }
        const path = `/api/operations/${operationId}?wait=10`
        const { kind, state, reason } = await client.ask<Operation>("GET", path)
        if (state === "done") return
        if (state === "queued" || state === "running") continue
        throw new Error(`${kind} is ${state}: ${reason}`)
      }
    },

    close: () => agent.destroy(),
  }
  return client
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of answer) pieces.push(piece as Buffer)
  const text = Buffer.concat(pieces).toString("utf8")
  const status = answer.statusCode ?? 0
  if (status < 200 || status > 299) throw new Error(`the server answered ${status}: ${text}`)
  return text
}
