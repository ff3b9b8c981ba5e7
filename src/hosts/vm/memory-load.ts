/**
 * A guest that goes on from a kept memory. QEMU loads it before it runs anything, and comes to
 * rest as the guest was when it was kept: paused, for we had stopped it. So there is no RESUME to
 * wait for, and `cont` is ours to say.
 */
import { setTimeout as sleep } from "node:timers/promises"
import { Refusal } from "../../domain/fault.ts"
import { isTimeout } from "../../platform/deadline.ts"
import { ConnectionLost } from "../../platform/json-lines.ts"
import { QmpError } from "../../platform/qmp.ts"
import type { Guest } from "./guest.ts"
import { runStateOf } from "./standstill.ts"

const askEveryMs = 10
const loadsWithinMs = 60_000
// No disk in use is slower than this.
const bytesPerMs = 10_000
const goesWithinMs = 30_000

/** Resolves once the guest runs, with all that `bytes` of memory hold. Throws when it will not. */
export async function goOnLoaded(guest: Guest, bytes: number): Promise<void> {
  const afterMs = loadsWithinMs + Math.ceil(bytes / bytesPerMs)
  const deadline = performance.now() + afterMs
  for (;;) {
    const state = await stateOf(guest)
    if (state === "running") return
    if (state !== undefined && state !== "inmigrate") return goOn(guest)
    if (performance.now() > deadline) {
      const what = `machine ${guest.machine}, loading its memory,`
      throw new Refusal({ kind: "timeout", what, afterMs })
    }
    await sleep(askEveryMs)
  }
}

/** Its disks are opened for good only now, and may not be free. */
async function goOn(guest: Guest): Promise<void> {
  try {
    await guest.execute("cont", {}, { timeoutMs: goesWithinMs })
  } catch (cause) {
    if (!(cause instanceof QmpError)) throw cause
    const what = `machine ${guest.machine}, with its memory,`
    throw new Refusal({ kind: "unavailable", what, remedy: `QEMU says: ${cause.desc}` })
  }
}

/** Undefined while it is too busy loading to answer. */
async function stateOf(guest: Guest): Promise<string | undefined> {
  try {
    return await runStateOf(await guest.monitor())
  } catch (cause) {
    if (isTimeout(cause) || cause instanceof ConnectionLost) return undefined
    throw cause
  }
}
