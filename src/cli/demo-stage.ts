/**
 * Where the demo plays: a state directory and a server of its own, and the real command line to
 * talk to it. Whatever was started here is gone after `close`, also when the play was broken off.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process"
import { once } from "node:events"
import { accessSync, constants, readFileSync, readlinkSync } from "node:fs"
import { chmod, mkdir, mkdtemp, open, readdir, rm } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { fileURLToPath } from "node:url"

export type Urls = Record<string, string>

export interface Stage {
  /** For files that come and go with the demo. */
  readonly folder: string
  readonly dataDir: string
  readonly urls: Urls
  /** Runs `tintype ... -o json` and resolves with what it printed. Throws its words. */
  tintype<T>(...argv: string[]): Promise<T>
  /** Resolves when the server has ended, whatever ended it. */
  readonly serverEnded: Promise<void>
  close(): Promise<void>
}

const program = (name: string) => fileURLToPath(new URL(name, import.meta.url))
const ports = { NATIVE: 8400, CLOUDAPI: 8401, IAAS: 8402, HOSTWAY: 8403, OPENSTACK: 8776 }
const startDeadlineMs = 180_000

export async function openStage(signal: AbortSignal): Promise<Stage> {
  const folder = await mkdtemp(join(roomyFolder(), "tintype-demo-"))
  // Machines run as another user, who passes through here.
  await chmod(folder, 0o711)
  const dataDir = join(folder, "state")
  await mkdir(dataDir)
  const run = <T>(argv: string[], until?: AbortSignal) => command<T>(dataDir, argv, until)
  let server = await startServer(folder, dataDir, await usualPortsAreFree())
  const close = async () => {
    if (isThere(server)) await deleteMachines(run)
    await stopServer(server)
    await endLeftOvers(folder)
    await rm(folder, { recursive: true, force: true, maxRetries: 10 })
  }
  const urlsOf = (one: Server) => announced(one, dataDir, join(folder, "server.log"), signal)
  try {
    const urls = await urlsOf(server).catch(async (cause) => {
      if (isThere(server) || server.anyPorts || signal.aborted) throw cause
      // Another demo, started at the same moment, was faster to take the usual ports.
      server = await startServer(folder, dataDir, false)
      return await urlsOf(server)
    })
    const tintype = <T>(...argv: string[]) => run<T>(argv, signal)
    return { folder, dataDir, urls, tintype, serverEnded: server.ended, close }
  } catch (cause) {
    await close()
    throw cause
  }
}

/** Where disks have room; `/tmp` is often memory. */
function roomyFolder(): string {
  try {
    accessSync("/var/tmp", constants.W_OK)
    return process.env["TMPDIR"] ?? "/var/tmp"
  } catch {
    return tmpdir()
  }
}

type Server = { process: ChildProcess; ended: Promise<void>; anyPorts: boolean }

const isThere = ({ process: { exitCode, signalCode } }: Server) =>
  exitCode === null && signalCode === null

async function startServer(folder: string, dataDir: string, usual: boolean): Promise<Server> {
  const log = await open(join(folder, "server.log"), "w", 0o600)
  try {
    const anyPorts = Object.keys(ports).map((name) => [`TINTYPE_PORT_${name}`, "0"])
    const server = spawn(process.execPath, [program("../main.ts"), "serve"], {
      // A session of its own: Ctrl-C is for us, who then end it in good order.
      detached: true,
      env: { ...ownEnvironment(dataDir), ...(usual ? {} : Object.fromEntries(anyPorts)) },
      stdio: ["ignore", log.fd, log.fd],
    })
    return { process: server, ended: once(server, "exit").then(() => {}), anyPorts: !usual }
  } finally {
    await log.close()
  }
}

async function usualPortsAreFree(): Promise<boolean> {
  return (await Promise.all(Object.values(ports).map(isFree))).every(Boolean)
}

/** Ours, without what points to another server. */
function ownEnvironment(dataDir: string): Record<string, string | undefined> {
  const others = Object.entries(process.env).filter(([name]) => !name.startsWith("TINTYPE_"))
  return { ...Object.fromEntries(others), TINTYPE_DATA: dataDir }
}

async function isFree(port: number): Promise<boolean> {
  const probe = createServer().listen(port, "127.0.0.1")
  try {
    await once(probe, "listening")
    return true
  } catch {
    return false
  } finally {
    probe.close()
  }
}

async function announced(
  { process: server }: Server,
  dataDir: string,
  log: string,
  signal: AbortSignal,
): Promise<Urls> {
  const deadline = performance.now() + startDeadlineMs
  while (performance.now() < deadline && server.exitCode === null) {
    const said = readText(join(dataDir, "server.json"))
    const { pid, urls } = said === "" ? {} : (JSON.parse(said) as { pid?: number; urls?: Urls })
    if (pid === server.pid && urls?.["native"] !== undefined) return urls
    await sleep(50, undefined, { signal })
  }
  throw new Error(`the server did not start; it said:\n${readText(log).trim().slice(-4000)}`)
}

function readText(file: string): string {
  try {
    return readFileSync(file, "utf8")
  } catch {
    return ""
  }
}

function command<T>(dataDir: string, argv: string[], signal?: AbortSignal): Promise<T> {
  const split = argv.indexOf("--")
  const [own, rest] = split < 0 ? [argv, []] : [argv.slice(0, split), argv.slice(split)]
  const full = [program("tintype.ts"), "-o", "json", ...own, ...rest]
  const options = {
    env: ownEnvironment(dataDir),
    maxBuffer: 2 ** 26,
    ...(signal === undefined ? {} : { signal }),
  }
  return new Promise((resolve, reject) => {
    execFile(process.execPath, full, options, (failure, stdout, stderr) => {
      // A command run in a machine may fail and still have its say.
      if (failure === null || (stdout !== "" && argv[1] === "exec")) resolve(JSON.parse(stdout))
      else reject(signal?.aborted ? failure : new Error(`tintype ${argv.join(" ")}: ${stderr}`))
    })
  })
}

async function deleteMachines(run: <T>(argv: string[]) => Promise<T>): Promise<void> {
  type Machines = { items: { id: string }[] }
  const nothing: Machines = { items: [] }
  const list = ["machine", "list", "--all-accounts"]
  const { items } = await run<Machines>(list).catch(() => nothing)
  const remove = ({ id }: { id: string }) =>
    run(["machine", "delete", id, "--timeout", "180"]).catch((cause: Error) =>
      process.stderr.write(`${cause.message}\n`),
    )
  await Promise.all(items.map(remove))
}

async function stopServer(server: Server): Promise<void> {
  if (!isThere(server)) return
  const { process, ended } = server
  process.kill("SIGTERM")
  const late = await Promise.race([ended.then(() => false), sleep(15_000, true, { ref: false })])
  if (late) process.kill("SIGKILL")
  await ended
}

/** Machines outlive their server; those of this one work inside our folder, and end with it. */
async function endLeftOvers(folder: string): Promise<void> {
  for (const pid of (await readdir("/proc")).filter((name) => /^\d+$/.test(name))) {
    try {
      if (readlinkSync(`/proc/${pid}/cwd`).startsWith(`${folder}/`))
        process.kill(Number(pid), "SIGKILL")
    } catch {
      // It has ended meanwhile, or is not ours to look at.
    }
  }
}
