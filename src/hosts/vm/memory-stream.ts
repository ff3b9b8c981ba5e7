/**
 * QEMU writing a guest's memory down: its migration, into a file that was handed over open.
 *
 * With the capability `background-snapshot` the guest stands still only while its devices are
 * saved and its memory is write-protected (userfaultfd); then QEMU lets it go on by itself and
 * writes each page before the guest may change it. **Such a stream must neither fail nor be
 * cancelled**: the guest, and QEMU's monitor with it, would wait for ever for pages that nobody
 * writes any more (seen with 7.2, into a regular file too). It is let run to its end, always.
 *
 * Without it the guest stands still until all is written: a standing copy. That may be cancelled.
 *
 * QEMU 8.2 and later open such files themselves (`file:` URIs), which would spare the handing
 * over where only those are met.
 */
import { readFile } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"
import { Refusal } from "../../domain/fault.ts"
import { isTimeout } from "../../platform/deadline.ts"
import { ConnectionLost, isObject } from "../../platform/json-lines.ts"
import { type Qmp, QmpError } from "../../platform/qmp.ts"
import type { MemoryWatch } from "../host.ts"
import type { Guest } from "./guest.ts"

const askEveryMs = 50
// A disk may be slow; one that takes nothing for so long will not take the rest.
const stalledAfterMs = 60_000
// More than any disk takes: nothing is gained by writing slower than it can.
const bytesPerSecond = 2 ** 40

export type Stream = {
  /** MigrationStatus (qapi/migration.json); `none` where this process never wrote any. */
  status: string
  doneBytes: number
  totalBytes: number
  /** How long QEMU itself says the guest stood still. */
  downtimeMs: number
  why: string | null
}

const ended = new Set(["none", "completed", "failed", "cancelled"])

/**
 * Null when the guest will go on while its memory is written; else why it will stand still, in
 * words.
 */
export async function chooseWay(qmp: Qmp, reserved: boolean): Promise<string | null> {
  await qmp.execute("migrate-set-parameters", { "max-bandwidth": bytesPerSecond })
  const why = reserved ? null : "this file system cannot set space aside"
  const refused = why ?? (await setBackground(qmp, true))
  if (refused !== null) await setBackground(qmp, false)
  return refused
}

/** Null when QEMU has done as told; else its reason, and what is known to be behind it. */
export async function setBackground(qmp: Qmp, state: boolean): Promise<string | null> {
  // With their events, failures are told at once.
  const capabilities = [background(state), { capability: "events", state: true }]
  try {
    await qmp.execute("migrate-set-capabilities", { capabilities })
    return null
  } catch (cause) {
    if (!state || !(cause instanceof QmpError)) throw cause
    return inWords(cause.desc, await unprivilegedAllowed())
  }
}

export const background = (state: boolean) => ({ capability: "background-snapshot", state })

export const inWords = (desc: string, allowed: boolean): string =>
  `QEMU says: ${desc}${allowed ? "" : " (vm.unprivileged_userfaultfd is 0)"}`

/** Since Linux 5.11 only root may watch its pages' faults inside the kernel, unless this says so. */
export async function unprivilegedAllowed(): Promise<boolean> {
  const setting = await readFile("/proc/sys/vm/unprivileged_userfaultfd", "utf8").catch(() => "1")
  return setting.trim() !== "0"
}

/** Whether what is written, or was last, is written while the guest runs. */
export async function inBackground(qmp: Qmp): Promise<boolean> {
  const all = await qmp.execute("query-migrate-capabilities")
  return (Array.isArray(all) ? all : []).some(
    (one: unknown) =>
      isObject(one) && one["capability"] === "background-snapshot" && one["state"] === true,
  )
}

export async function streamOf(qmp: Qmp): Promise<Stream> {
  const told = await qmp.execute("query-migrate")
  const stream = isObject(told) ? told : {}
  const { ram } = stream
  const status = String(stream["status"] ?? "none")
  // A process that was itself started from a memory says `completed` of that, without figures.
  const loaded = status === "completed" && !isObject(ram)
  const { total, remaining } = isObject(ram) ? ram : {}
  const totalBytes = Number(total ?? 0)
  return {
    status: loaded ? "none" : status,
    doneBytes: Math.max(0, totalBytes - Number(remaining ?? totalBytes)),
    totalBytes,
    downtimeMs: Number(stream["downtime"] ?? 0),
    why: typeof stream["error-desc"] === "string" ? stream["error-desc"] : null,
  }
}

export const isWriting = ({ status }: Stream): boolean => !ended.has(status)

/**
 * What a stream comes to in the end, at once where none is being written. Throws `unavailable`
 * where it stands still for too long: then the guest hangs.
 */
export async function endOfStream(guest: Guest, watch?: MemoryWatch): Promise<Stream> {
  let [done, since] = [-1, performance.now()]
  for (;;) {
    watch?.signal.throwIfAborted()
    const stream = await lookAt(guest)
    if (stream !== undefined && stream.doneBytes !== done) {
      ;[done, since] = [stream.doneBytes, performance.now()]
      watch?.progress(stream.doneBytes, stream.totalBytes)
    }
    if (stream !== undefined && !isWriting(stream)) return stream
    if (performance.now() - since > stalledAfterMs) throw hangs(guest)
    await sleep(askEveryMs)
  }
}

/** Undefined while it does not answer; throws when it has ended. */
async function lookAt(guest: Guest): Promise<Stream | undefined> {
  try {
    return await streamOf(await guest.monitor())
  } catch (cause) {
    if (isTimeout(cause) || cause instanceof ConnectionLost) return undefined
    throw cause
  }
}

const hangs = ({ machine }: Guest) =>
  new Refusal({
    kind: "unavailable",
    what: `machine ${machine}, while its memory was written,`,
    remedy: "it hangs: stop and start it, nothing else helps",
  })
