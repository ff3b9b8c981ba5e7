/** A server that says what a story wants it to say, and the real command run against it. */
import { spawn } from "node:child_process"
import { randomInt } from "node:crypto"
import { once } from "node:events"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { fileURLToPath } from "node:url"

export type Heard = { method: string; url: URL; headers: IncomingMessage["headers"]; body: Buffer }
/** A value is sent as JSON with status 200; a function does as it likes. */
export type Line =
  | { status?: number; json: unknown }
  | ((request: IncomingMessage, response: ServerResponse) => unknown)
/** By method and path, such as `GET /api/volumes`; an array is said in turn, its last for good. */
export type Script = Record<string, Line | Line[]>

export type StandIn = {
  url: string
  heard: Heard[]
  /** What was asked, one line each. */
  asked(): string[]
  close(): Promise<void>
}

export async function standIn(script: Script, port = 0): Promise<StandIn> {
  const heard: Heard[] = []
  const turns = new Map<string, number>()
  const server = createServer((request, response) => {
    const url = new URL(request.url ?? "/", "http://stand-in")
    const key = `${request.method} ${url.pathname}`
    const lines = [script[key] ?? notFound(key)].flat()
    const turn = turns.get(key) ?? 0
    turns.set(key, turn + 1)
    const line = lines[Math.min(turn, lines.length - 1)]
    if (typeof line === "function") {
      heard.push({ method: request.method ?? "", url, headers: request.headers, body: Buffer.of() })
      line(request, response)
      return
    }
    const chunks: Buffer[] = []
    request.on("data", (chunk) => chunks.push(chunk))
    request.on("end", () => {
      const body = Buffer.concat(chunks)
      heard.push({ method: request.method ?? "", url, headers: request.headers, body })
      response.statusCode = line?.status ?? 200
      response.setHeader("content-type", "application/json")
      response.end(JSON.stringify(line?.json))
    })
  })
  server.listen(port, "127.0.0.1")
  await once(server, "listening")
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    heard,
    asked: () => heard.map(({ method, url }) => `${method} ${url.pathname}${url.search}`),
    async close() {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}

/**
 * A port at which nobody answers, for later. Below those that the kernel gives to whoever asks for
 * any: one of them may be another test's in a moment.
 */
export async function quietPort(): Promise<number> {
  for (;;) {
    const port = randomInt(20_000, 32_000)
    const listener = createServer().listen(port, "127.0.0.1")
    const isFree = await once(listener, "listening").then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    listener.close()
    await once(listener, "close")
    return port
  }
}

const notFound = (key: string): Line => problem(404, "not-found", `nothing is scripted for ${key}`)

export function problem(status: number, kind: string, detail: string): Line {
  return { status, json: { type: `/problems/${kind}`, title: kind, status, detail, kind } }
}

export type Ran = { code: number | null; stdout: string; stderr: string; bytes: Buffer }
export type Running = {
  kill(signal: NodeJS.Signals): void
  /** Resolves once stderr holds these words. */
  says(words: string): Promise<void>
  ended: Promise<Ran>
}

const command = fileURLToPath(new URL("../../src/cli/tintype.ts", import.meta.url))

/** `where`: the server's URL, or all that the command finds in its environment. */
export function start(
  where: string | Record<string, string>,
  argv: readonly string[],
  input?: Buffer,
): Running {
  const found = typeof where === "string" ? { TINTYPE_URL: where, TINTYPE_TOKEN: "a-token" } : where
  const env = { PATH: process.env["PATH"], ...found }
  const child = spawn(process.execPath, [command, ...argv], { env, timeout: 170_000 })
  const stdout: Buffer[] = []
  const stderr: Buffer[] = []
  child.stdout.on("data", (chunk) => stdout.push(chunk))
  child.stderr.on("data", (chunk) => stderr.push(chunk))
  child.stdin.on("error", () => {})
  child.stdin.end(input)
  const ended = once(child, "close").then(([code]) => {
    const bytes = Buffer.concat(stdout)
    const said = Buffer.concat(stderr).toString("utf8")
    return { code, stdout: bytes.toString("utf8"), stderr: said, bytes }
  })
  return {
    kill: (signal) => child.kill(signal),
    async says(words) {
      while (!Buffer.concat(stderr).includes(words)) await once(child.stderr, "data")
    },
    ended,
  }
}

/** Runs `tintype` to its end. */
export function tintype(url: string, ...argv: string[]): Promise<Ran> {
  return start(url, argv).ended
}
