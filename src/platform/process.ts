/**
 * Processes that outlive us: started detached, as an unprivileged user, with no terminal, their
 * output in a file (a pipe would break when we die), and found again by pid and start time.
 */
import { spawn } from "node:child_process"
import { open, readFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { errorCode } from "./files.ts"

export type ServiceUser = { uid: number; gid: number }
export type ProcessIdentity = { pid: number; startTicks: number }

export type SpawnOrder = {
  argv: readonly [string, ...string[]]
  cwd: string
  user: ServiceUser | null
  /** Groups it is in besides the user's own; only with a user. */
  groups?: readonly number[]
  /** Takes both stdout and stderr; appended to. */
  logFile: string
  /** Open descriptors of ours that it has too, numbered from `firstInherited` on. */
  files?: readonly number[]
}

/** The first descriptor after stdin, stdout and stderr. */
export const firstInherited = 3

/**
 * Starts a process that goes on when we end. It gets the user's id before exec (QEMU's own
 * `-runas` dies under its sandbox) and `no_new_privs`, so that no set-uid program helps it out.
 */
export async function spawnDetached(order: SpawnOrder): Promise<ProcessIdentity> {
  const log = await open(order.logFile, "a", 0o600)
  try {
    const child = spawn("setpriv", [...privileges(order), "--", ...order.argv], {
      cwd: order.cwd,
      detached: true,
      stdio: ["ignore", log.fd, log.fd, ...(order.files ?? [])],
      env: { PATH: process.env["PATH"] ?? "/usr/bin:/bin", LANG: "C" },
    })
    child.unref()
    await new Promise<void>((resolve, reject) => {
      child.once("spawn", resolve)
      child.once("error", reject)
    })
    const pid = child.pid ?? 0
    const startTicks = await startTicksOf(pid)
    if (startTicks === undefined) throw new EndedAtOnce(order.argv[0])
    return { pid, startTicks }
  } finally {
    await log.close()
  }
}

/** It was started and is gone already; what it said is in its log file. */
export class EndedAtOnce extends Error {
  constructor(program: string) {
    super(`${program} ended at once`)
    this.name = "EndedAtOnce"
  }
}

function privileges({ user, groups = [] }: SpawnOrder): string[] {
  if (user === null) return ["--no-new-privs"]
  const beside = groups.length === 0 ? "--clear-groups" : `--groups=${groups.join(",")}`
  return ["--no-new-privs", `--reuid=${user.uid}`, `--regid=${user.gid}`, beside]
}

/**
 * Field 22 of /proc/PID/stat (proc(5)); undefined for a process that is gone or a zombie. A
 * zombie whose other threads still end is not gone: until the last one has, its files are open
 * and its locks held. Throws where that cannot be told: taken for dead, a machine that runs would
 * lose what it has open.
 */
export async function startTicksOf(pid: number): Promise<number | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, "utf8")
    // The command name may hold spaces and parentheses; everything after the last one is fields.
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ")
    const threads = Number(fields[17])
    if (fields[0] === "X" || (fields[0] === "Z" && threads <= 1)) return undefined
    return Number(fields[19])
  } catch (cause) {
    if (!isOfNoProcess(cause)) throw cause
    return undefined
  }
}

/** What reading below /proc/PID comes to once there is no such process. */
export const isOfNoProcess = (cause: unknown): boolean =>
  ["ENOENT", "ESRCH"].includes(errorCode(cause) ?? "")

export async function isAlive(identity: ProcessIdentity): Promise<boolean> {
  return (await startTicksOf(identity.pid)) === identity.startTicks
}

/** Ends it: politely, and after `graceMs` by SIGKILL. Resolves when it is gone. */
export async function endProcess(identity: ProcessIdentity, graceMs: number): Promise<void> {
  if (graceMs > 0 && (await signalled(identity, "SIGTERM"))) {
    if (await gone(identity, graceMs)) return
  }
  if (await signalled(identity, "SIGKILL")) {
    if (!(await gone(identity, 30_000))) throw new Error(`process ${identity.pid} survives SIGKILL`)
  }
}

async function signalled(identity: ProcessIdentity, signal: NodeJS.Signals): Promise<boolean> {
  if (!(await isAlive(identity))) return false
  try {
    process.kill(identity.pid, signal)
    return true
  } catch {
    return false
  }
}

async function gone(identity: ProcessIdentity, withinMs: number): Promise<boolean> {
  const deadline = performance.now() + withinMs
  while (await isAlive(identity)) {
    if (performance.now() > deadline) return false
    await sleep(5)
  }
  return true
}
