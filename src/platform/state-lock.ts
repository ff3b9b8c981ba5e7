/**
 * One server for each state directory. The lock is one that the kernel takes back when its holder
 * dies, however it dies: an exclusive SQLite transaction on a file of its own, which is an
 * fcntl(2) lock underneath (Node itself offers none). Beside it lies who holds it, for people and
 * for the command line; that file proves nothing, and may be left over from the dead.
 */
import { mkdir, open, readFile, rename, unlink } from "node:fs/promises"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { Refusal } from "../domain/fault.ts"
import { isAlive, type ProcessIdentity, startTicksOf } from "./process.ts"

/** `urls` by listener's name, such as `native`; empty until the server listens. */
export type RunningServer = ProcessIdentity & { urls: Record<string, string> }

export interface StateLock {
  /** Tells where the server listens. */
  announce(urls: Record<string, string>): Promise<void>
  release(): Promise<void>
}

/** A lock that nothing points to would be collected as garbage, and with it given up. */
const held = new Set<Sqlite.Database>()

const lockFile = "lock.db"
const serverFile = "server.json"

/** Makes the directory if need be. Throws `unavailable` while another server has it. */
export async function lockStateDirectory(dir: string): Promise<StateLock> {
  // Machines' processes run as another user: it may pass through, and sees no names.
  await mkdir(dir, { recursive: true, mode: 0o711 })
  const lock = await takeLock(dir)
  const write = async (urls: Record<string, string>) => {
    const startTicks = (await startTicksOf(process.pid)) ?? 0
    await replace(join(dir, serverFile), { pid: process.pid, startTicks, urls })
  }
  try {
    await write({})
  } catch (cause) {
    giveUp(lock)
    throw cause
  }
  return {
    announce: write,
    async release() {
      await unlink(join(dir, serverFile)).catch(() => {})
      giveUp(lock)
    },
  }
}

/** Who serves from this directory now; undefined when nobody does. */
export async function runningServer(dir: string): Promise<RunningServer | undefined> {
  try {
    const server = JSON.parse(await readFile(join(dir, serverFile), "utf8")) as RunningServer
    return (await isAlive(server)) ? server : undefined
  } catch {
    return undefined
  }
}

async function takeLock(dir: string): Promise<Sqlite.Database> {
  const file = join(dir, lockFile)
  await (await open(file, "a", 0o600)).close()
  const lock = new Sqlite(file, { timeout: 0 })
  try {
    lock.exec("begin exclusive")
    held.add(lock)
    return lock
  } catch (cause) {
    lock.close()
    if (!(cause instanceof Sqlite.SqliteError) || cause.code !== "SQLITE_BUSY") throw cause
    const holder = await runningServer(dir)
    const who = holder === undefined ? "another server" : `the server with pid ${holder.pid}`
    throw new Refusal({
      kind: "unavailable",
      what: `the state directory ${dir}`,
      remedy: `${who} uses it; stop that one, or choose another directory`,
    })
  }
}

function giveUp(lock: Sqlite.Database): void {
  held.delete(lock)
  lock.close()
}

/** Readers find the old content or the new, never half of it. */
async function replace(file: string, content: object): Promise<void> {
  const handle = await open(`${file}.new`, "w", 0o644)
  try {
    await handle.writeFile(`${JSON.stringify(content)}\n`)
  } finally {
    await handle.close()
  }
  await rename(`${file}.new`, file)
}
