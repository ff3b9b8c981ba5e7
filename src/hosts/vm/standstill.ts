/**
 * Why a guest's processors stand still, and setting them going again. QEMU's run state tells
 * (qapi/run-state.json); nothing about it is remembered here.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { Refusal } from "../../domain/fault.ts"
import { isObject } from "../../platform/json-lines.ts"
import { type Qmp, QmpError } from "../../platform/qmp.ts"
import type { Standstill } from "../host.ts"
import type { Guest } from "./guest.ts"
import { inBackground, isWriting, streamOf } from "./memory-stream.ts"

const statusWithinMs = 15_000
const goesWithinMs = 30_000
const askEveryMs = 20

/** `stop`, and every end of a memory that was written while the guest stood still. */
const heldStates = new Set(["paused", "finish-migrate", "postmigrate"])

/**
 * `io-error` is a full disk and nothing else: a disk's other errors go to the guest (`werror` is
 * QEMU's default, `enospc`), which knows better than we do what they mean for it.
 */
export async function standstillOf(guest: Guest): Promise<Standstill> {
  const state = await runStateOf(await guest.monitor())
  if (state === "io-error") return "no-space"
  return heldStates.has(state) ? "held" : null
}

/** The writes that found no room are tried again; while there is none it stops again at once. */
export async function goOn(guest: Guest): Promise<void> {
  const qmp = await guest.monitor()
  if ((await runStateOf(qmp)) === "io-error") await qmp.execute("cont")
}

/**
 * Continues a guest that we stopped; any other is left as it is. Memory that is still written
 * while the guest stands still is given up: run on, and it would be of no instant.
 */
export async function letRun(guest: Guest): Promise<void> {
  const qmp = await guest.monitor()
  const deadline = performance.now() + goesWithinMs
  while (heldStates.has(await runStateOf(qmp))) {
    if (performance.now() > deadline) {
      const what = `machine ${guest.machine}, asked to go on,`
      throw new Refusal({ kind: "timeout", what, afterMs: goesWithinMs })
    }
    if (isWriting(await streamOf(qmp))) {
      // QEMU lets a guest whose memory it writes in the background go on by itself, very soon.
      if (!(await inBackground(qmp))) await qmp.execute("migrate_cancel")
    } else if (await continues(qmp)) return
    await sleep(askEveryMs)
  }
}

/** False when QEMU is not done with a migration that has just ended. */
async function continues(qmp: Qmp): Promise<boolean> {
  try {
    await qmp.execute("cont")
    return true
  } catch (cause) {
    if (cause instanceof QmpError && /not finalized/.test(cause.desc)) return false
    throw cause
  }
}

export async function runStateOf(qmp: Qmp): Promise<string> {
  const status = await qmp.execute("query-status", {}, { timeoutMs: statusWithinMs })
  if (!isObject(status)) throw new Error("QEMU did not tell its status")
  return String(status["status"])
}
