/** The server as users run it: a process of its own, reached over HTTP. */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdir, open, readdir, readFile, readlink } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"
import { listeners } from "../../src/config.ts"
import type { Stand } from "../benchmark.ts"
import { type Client, openClient } from "./client.ts"

export interface Server {
  readonly dataDir: string
  readonly pid: number
  /** By the face's name. */
  readonly urls: Readonly<Record<string, string>>
  readonly token: string
  /** The native API. */
  readonly api: Client
}

const program = fileURLToPath(new URL("../../src/main.ts", import.meta.url))
const startWithinMs = 120_000
const stopWithinMs = 15_000

/** Ends with the benchmark, and with it every machine it still runs. */
export async function startServer(
  { folder, after }: Stand,
  dataDir = join(folder, "state"),
): Promise<Server> {
  await mkdir(dataDir, { recursive: true })
  const log = await open(join(folder, "server.log"), "a")
  const child = spawn(process.execPath, [...process.execArgv, program, "serve"], {
    env: environment(dataDir),
    stdio: ["ignore", log.fd, log.fd],
    // Ctrl-C is for us, who then end it in good order.
    detached: true,
  })
  after(async () => {
    await stop(child)
    await endLeftOvers(folder)
    await log.close()
  })
  const urls = await announced(child, dataDir).catch(async (cause: Error) => {
    const said = await readFile(join(folder, "server.log"), "utf8")
    throw new Error(`${cause.message}; it said:\n${said.trim().slice(-2000)}`)
  })
  const token = (await readFile(join(dataDir, "admin-token"), "utf8")).trim()
  const api = openClient(urls["native"] ?? "", { authorization: `Bearer ${token}` })
  after(() => api.close())
  return { dataDir, pid: child.pid ?? 0, urls, token, api }
}

/** Ours, without what points to another server, and any free ports. */
function environment(dataDir: string): NodeJS.ProcessEnv {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith("TINTYPE_"))
  const ports = listeners.map((name) => [`TINTYPE_PORT_${name.toUpperCase()}`, "0"])
  return { ...Object.fromEntries(others), ...Object.fromEntries(ports), TINTYPE_DATA: dataDir }
}

type Announcement = { pid: number; urls: Record<string, string> }

async function announced(child: ChildProcess, dataDir: string) {
  const deadline = performance.now() + startWithinMs
  while (performance.now() < deadline && child.exitCode === null) {
    const text = await readFile(join(dataDir, "server.json"), "utf8").catch(() => "")
    const { pid, urls } = (text === "" ? {} : JSON.parse(text)) as Partial<Announcement>
    if (pid === child.pid && urls?.["native"] !== undefined) return urls
    await sleep(20)
  }
  throw new Error("the server did not start")
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, "exit")
  child.kill("SIGTERM")
  const late = setTimeout(() => child.kill("SIGKILL"), stopWithinMs)
  await ended
  clearTimeout(late)
}

/** Machines outlive their server; those of this one work inside our folder, and end with it. */
async function endLeftOvers(folder: string): Promise<void> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    const cwd = await readlink(`/proc/${pid}/cwd`).catch(() => "")
    if (!`${cwd}/`.startsWith(`${folder}/`)) continue
    try {
      process.kill(Number(pid), "SIGKILL")
    } catch {
      // It has ended meanwhile.
    }
  }
}
