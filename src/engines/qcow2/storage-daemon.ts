/**
 * A storage daemon of QEMU's for the time of one transfer: it opens a chain of layers and serves
 * it as a block device on a unix socket. Its socket's name is new each time, so a daemon whose
 * server died is known by its command line.
 */
import { readdir, readFile, readlink, realpath } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import type { BlockNode } from "../../domain/disk.ts"
import { Refusal } from "../../domain/fault.ts"
import { newId } from "../../domain/ids.ts"
import { errorCode, removeFile } from "../../platform/files.ts"
import { type Nbd, openNbd } from "../../platform/nbd.ts"
import {
  EndedAtOnce,
  endProcess,
  isAlive,
  type ProcessIdentity,
  spawnDetached,
  startTicksOf,
} from "../../platform/process.ts"
import { type House, transfersName } from "./store.ts"

/** The block device while it is served. */
export type Served = {
  /** For our own client; closed with the daemon. */
  nbd: Nbd
  /** For QEMU's programs run in `dataDir`: the options of a block node that reaches it. */
  node: Record<string, unknown>
}

export type ServeOrder = { nodes: readonly BlockNode[]; top: string; writable: boolean }

const exportName = "disk"
const startWithinMs = 120_000
/** The longest wait for one answer: a disk under load may be slow, but not for ever. */
const answerWithinMs = 120_000
const endWithinMs = 30_000

/** Serves a chain while `work` goes on. The daemon has ended when this resolves, or throws. */
export async function serve<T>(
  house: House,
  order: ServeOrder,
  work: (served: Served) => Promise<T>,
): Promise<T> {
  const name = `transfer-${newId()}`
  const path = `${transfersName}/${name}.sock`
  try {
    const daemon = await started(house, argvOf(order, path), name)
    try {
      const nbd = await connected(house, daemon, name)
      try {
        return await work({ nbd, node: nbdNode(path) })
      } finally {
        await nbd.close()
      }
    } finally {
      await endProcess(daemon, endWithinMs)
    }
  } finally {
    await removeFile(house.transfers.file(`${name}.sock`))
    await removeFile(logOf(house, name))
  }
}

const logOf = (house: House, name: string) => house.transfers.file(`${name}.log`)

async function started(house: House, argv: [string, ...string[]], name: string) {
  const { dataDir: cwd, user } = house
  try {
    return await spawnDetached({ argv, cwd, user, logFile: logOf(house, name) })
  } catch (cause) {
    throw cause instanceof EndedAtOnce ? await explained(house, name) : cause
  }
}

function argvOf({ nodes, top, writable }: ServeOrder, socket: string): [string, ...string[]] {
  return [
    "qemu-storage-daemon",
    ...nodes.flatMap((node) => ["--blockdev", JSON.stringify(node)]),
    "--nbd-server",
    `addr.type=unix,addr.path=${socket},max-connections=0`,
    "--export",
    JSON.stringify({ type: "nbd", id: exportName, name: exportName, "node-name": top, writable }),
  ]
}

const nbdNode = (path: string) => ({
  driver: "nbd",
  export: exportName,
  server: { type: "unix", path },
})

async function connected(house: House, daemon: ProcessIdentity, name: string): Promise<Nbd> {
  const deadline = performance.now() + startWithinMs
  const options = { export: exportName, withinMs: answerWithinMs }
  for (;;) {
    try {
      return await openNbd(house.transfers.shortPath(`${name}.sock`), options)
    } catch (cause) {
      const notYet = ["ENOENT", "ECONNREFUSED"].includes(errorCode(cause) ?? "")
      if (!(await isAlive(daemon))) throw await explained(house, name)
      if (!notYet || performance.now() > deadline) throw cause
    }
    await sleep(2)
  }
}

/** Why a daemon would not start, from what it said. */
async function explained(house: House, name: string): Promise<Error> {
  const said = (await readFile(logOf(house, name), "utf8")).trim().slice(-2000)
  if (/failed to execute/.test(said)) {
    const remedy = "install the package that has it (Debian: qemu-system-common)"
    return new Refusal({ kind: "unavailable", what: "qemu-storage-daemon", remedy })
  }
  if (/Failed to get .*lock/.test(said)) {
    const remedy = "another process has it open; try again when that has closed it"
    return new Refusal({ kind: "unavailable", what: "the disk", remedy })
  }
  return new Error(`the storage daemon ended at once: ${said}`)
}

/** Ends the daemons that a dead server left over in this data directory, and sweeps their files. */
export async function endLeftovers({ dataDir, transfers }: House): Promise<void> {
  const home = await realpath(dataDir)
  const pids = (await readdir("/proc")).map(Number).filter(Number.isInteger)
  for (const pid of pids) {
    // First, for others' processes may not be ours to look at.
    if (!(await isTransfer(pid, home))) continue
    const startTicks = await startTicksOf(pid)
    if (startTicks === undefined) continue
    await endProcess({ pid, startTicks }, 0)
  }
  for (const name of await transfers.names()) {
    if (/^transfer-.*\.(sock|log)$/.test(name)) await removeFile(transfers.file(name))
  }
}

async function isTransfer(pid: number, home: string): Promise<boolean> {
  try {
    const argv = await readFile(`/proc/${pid}/cmdline`, "utf8")
    if (!argv.includes(`addr.path=${transfersName}/transfer-`)) return false
    return (await readlink(`/proc/${pid}/cwd`)) === home
  } catch {
    return false // it ended while we looked, or is somebody else's
  }
}
