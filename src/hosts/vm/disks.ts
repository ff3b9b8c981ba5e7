/**
 * The disks of a running machine. QEMU's own graph of block nodes is the truth; nothing about it
 * is remembered here, so a restart of ours finds all there is to know.
 */

import type { DiskGraph, DiskSwitch } from "../../domain/disk.ts"
import { Refusal } from "../../domain/fault.ts"
import type { VolumeId } from "../../domain/ids.ts"
import { isTimeout } from "../../platform/deadline.ts"
import { isObject } from "../../platform/json-lines.ts"
import { type Qmp, QmpError } from "../../platform/qmp.ts"
import type { SwitchFacts } from "../host.ts"
import { addMissing, dropNodes, peripheral, sweepNodes, topsBySlot } from "./block-nodes.ts"
import type { Guest } from "./guest.ts"
import { diskDevice, diskId, serialOf } from "./launch.ts"

const switchWithinMs = 30_000
const unplugWithinMs = 30_000
const askAgainMs = 5_000

export async function attachDisk(guest: Guest, slot: number, graph: DiskGraph): Promise<void> {
  const device = diskDevice(slot, graph)
  const qmp = await guest.monitor()
  const present = (await topsBySlot(qmp)).get(slot)
  if (present === graph.top) return
  if (present !== undefined) throw new Error(`slot ${slot} holds ${present}, not ${graph.top}`)
  const added = await addMissing(qmp, graph.nodes)
  try {
    await qmp.execute("device_add", device)
  } catch (cause) {
    await dropNodes(qmp, added.reverse())
    throw cause
  }
}

/** The guest has to let go of the device; without its help this ends in a `timeout` refusal. */
export async function detachDisk(guest: Guest, slot: number): Promise<void> {
  const qmp = await guest.monitor()
  if ((await topsBySlot(qmp)).has(slot)) await unplug(qmp, slot)
  await sweepNodes(qmp)
}

/**
 * One transaction takes all disks that are not switched yet to the same instant. An engine's own
 * work comes after it, with the guest stopped.
 */
export function switchAll(guest: Guest, switches: readonly DiskSwitch[]): Promise<SwitchFacts> {
  return switchWithin(guest, switches, async (qmp, pending, switchNow) => {
    const stops = pending.some(({ whileStopped }) => whileStopped !== undefined)
    const ran = stops && (await isRunning(qmp))
    const started = performance.now()
    try {
      if (ran) await qmp.execute("stop")
      await switchNow()
    } finally {
      if (ran) await qmp.execute("cont")
    }
    return { pauseMs: pending.length === 0 ? 0 : performance.now() - started, skewMs: 0 }
  })
}

/**
 * A switch with what must happen around it. `around` is told which disks are not switched yet, and
 * calls `switchNow` at its instant; their overlays are open by then.
 */
export async function switchWithin<T>(
  guest: Guest,
  switches: readonly DiskSwitch[],
  around: (qmp: Qmp, pending: readonly DiskSwitch[], switchNow: () => Promise<void>) => Promise<T>,
): Promise<T> {
  const qmp = await guest.monitor()
  const tops = new Set((await topsBySlot(qmp)).values())
  const pending = switches.filter(({ from, to }) => {
    if (tops.has(from)) return true
    if (tops.has(to)) return false
    throw new Error(`no disk of machine ${guest.machine} has ${from} or ${to} on top`)
  })
  const added = await addMissing(
    qmp,
    pending.flatMap(({ nodes }) => nodes),
  )
  let begun = false
  try {
    const outcome = await around(qmp, pending, () => {
      begun = true
      return switchPending(qmp, pending)
    })
    const after = new Set((await topsBySlot(qmp)).values())
    const left = switches.find(({ to }) => !after.has(to))
    if (left !== undefined) throw new Error(`after the switch no disk has ${left.to} on top`)
    return outcome
  } catch (cause) {
    // A transaction that was refused, or never asked for, changes nothing, so its overlays are not
    // in use (those that are, stay); one that QEMU did not answer may still happen, and needs them.
    if (!begun || cause instanceof QmpError) await dropNodes(qmp, added.reverse())
    throw cause
  }
}

async function switchPending(qmp: Qmp, pending: readonly DiskSwitch[]): Promise<void> {
  const actions = pending.flatMap((one) => one.actions)
  if (actions.length > 0) {
    await qmp.execute("transaction", { actions }, { timeoutMs: switchWithinMs })
  }
  for (const { whileStopped } of pending) await whileStopped?.()
}

async function isRunning(qmp: Qmp): Promise<boolean> {
  const status = await qmp.execute("query-status")
  return isObject(status) && status["running"] === true
}

/** The device is known by the volume's serial number, which it got when it was made. */
export async function topNodeOf(guest: Guest, volume: VolumeId): Promise<string | null> {
  const qmp = await guest.monitor()
  for (const [slot, top] of await topsBySlot(qmp)) {
    const device = { path: `${peripheral}/${diskId(slot)}`, property: "serial" }
    if ((await qmp.execute("qom-get", device)) === serialOf(volume)) return top
  }
  return null
}

/** Asks until the guest has let go: one that is still booting misses the first request. */
async function unplug(qmp: Qmp, slot: number): Promise<void> {
  const id = diskId(slot)
  const deadline = performance.now() + unplugWithinMs
  for (;;) {
    const leftMs = Math.max(1, deadline - performance.now())
    const deleted = qmp.once("DEVICE_DELETED", {
      withinMs: Math.min(askAgainMs, leftMs),
      matching: (data) => data["device"] === id,
    })
    deleted.catch(() => {})
    try {
      await qmp.execute("device_del", { id })
    } catch (cause) {
      if (!(cause instanceof QmpError)) throw cause
      if (cause.class === "DeviceNotFound") return
      if (!/in the process of unplug/.test(cause.desc)) throw cause
    }
    try {
      await deleted
      return
    } catch (cause) {
      if (!isTimeout(cause)) throw cause
      if (performance.now() < deadline) continue
      const what = "the guest, asked to let go of the disk,"
      throw new Refusal({ kind: "timeout", what, afterMs: unplugWithinMs })
    }
  }
}
