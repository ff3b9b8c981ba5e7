/** Whether the guest's own driver has taken a disk into use, asked of QEMU rather than the guest. */
import { setTimeout as sleep } from "node:timers/promises"
import { isObject } from "../../platform/json-lines.ts"
import { type Qmp, QmpError } from "../../platform/qmp.ts"
import type { Guest } from "./guest.ts"
import { diskId } from "./launch.ts"

const askEveryMs = 25

/**
 * Resolves with true once the driver runs the device, with false when the time is up: a guest
 * that is still in its firmware, or knows no hot attach, is not an error.
 */
export async function diskInUse(guest: Guest, slot: number, withinMs: number): Promise<boolean> {
  const qmp = await guest.monitor()
  const deadline = performance.now() + withinMs
  while (!(await driverRuns(qmp, slot))) {
    if (performance.now() > deadline) return false
    await sleep(askEveryMs)
  }
  return true
}

/** `started` is true from DRIVER_OK on (virtio 1.2, section 3.1.1). */
async function driverRuns(qmp: Qmp, slot: number): Promise<boolean> {
  const path = `/machine/peripheral/${diskId(slot)}/virtio-backend`
  try {
    const status = await qmp.execute("x-query-virtio-status", { path })
    return isObject(status) && status["started"] === true
  } catch (cause) {
    // A QEMU that does not know the command: nothing to wait for.
    if (cause instanceof QmpError && cause.class === "CommandNotFound") return true
    throw cause
  }
}
