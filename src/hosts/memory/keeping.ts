/**
 * Keeping what a machine in memory remembers, and letting go of one that is held. How a capture
 * goes, and how long writing it takes, is the world's to say.
 */
import type { DiskSwitch } from "../../domain/disk.ts"
import { Refusal } from "../../domain/fault.ts"
import type { MachineId, SnapshotId } from "../../domain/ids.ts"
import type { Capture, MemoryWatch } from "../host.ts"
import { switchAll } from "./disks.ts"
import {
  type HostWorld,
  type MemoryKept,
  type MemoryMachine,
  memoryBytes,
  pause,
  resume,
} from "./world.ts"

export async function captureMemory(
  world: HostWorld,
  { id: machine, guest }: { id: MachineId; guest: MemoryMachine },
  memory: SnapshotId,
  switches: readonly DiskSwitch[],
): Promise<Capture> {
  const running = !world.capturing.standing
  const note = running ? null : "this world lets no guest run on"
  const facts = { pauseMs: 0, skewMs: 0, running, note }
  if (world.memories.has(memory)) return facts
  if (world.capturing.noSpace) {
    throw new Refusal({ kind: "no-space", neededBytes: memoryBytes(guest), freeBytes: 0 })
  }
  await switchAll(guest, switches)
  const { process, boots, remembered } = guest
  world.memories.set(memory, { machine, process, boots, remembered, running, whole: false })
  if (!running) pause(guest, "held")
  return facts
}

export async function keepMemory(
  world: HostWorld,
  memory: SnapshotId,
  watch: MemoryWatch,
): Promise<{ bytes: number }> {
  const kept = world.memories.get(memory)
  if (kept === undefined) throw notWhole(memory)
  const bytes = memoryBytes(kept)
  if (kept.whole) return { bytes }
  watch.progress(0, bytes)
  await unlessAborted(world.capturing.until, watch.signal)
  const writer = writerOf(world, kept)
  if (writer === undefined || world.memories.get(memory) !== kept) throw notWhole(memory)
  kept.whole = true
  if (!kept.running && writer.standstill === "held") resume(writer)
  watch.progress(bytes, bytes)
  return { bytes }
}

/** Memory that is written while the guest stands still is worth nothing once it runs. */
export function release(world: HostWorld, guest: MemoryMachine): number {
  if (guest.liveness === "hung") {
    throw new Refusal({ kind: "timeout", what: "the machine's process", afterMs: 0 })
  }
  if (guest.standstill === "held") {
    for (const [id, kept] of world.memories) {
      if (!kept.whole && !kept.running && writerOf(world, kept) === guest) world.memories.delete(id)
    }
    resume(guest)
  }
  const thawed = guest.frozen ? 1 : 0
  guest.frozen = false
  return thawed
}

/** What a machine is started with that goes on from a memory. */
export function memoryFor(world: HostWorld, memory: SnapshotId): MemoryKept {
  const kept = world.memories.get(memory)
  if (kept?.whole !== true) throw notWhole(memory)
  return kept
}

/** The process whose memory it is, while that lives. */
function writerOf(world: HostWorld, kept: MemoryKept): MemoryMachine | undefined {
  const guest = world.running.get(kept.machine)
  return guest?.process.pid === kept.process.pid ? guest : undefined
}

async function unlessAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>()
  aborted.promise.catch(() => {})
  const abort = () => aborted.reject(signal.reason)
  if (signal.aborted) abort()
  signal.addEventListener("abort", abort)
  try {
    await Promise.race([work, aborted.promise])
  } finally {
    signal.removeEventListener("abort", abort)
  }
}

const notWhole = (memory: SnapshotId) =>
  new Refusal({
    kind: "unavailable",
    what: `the memory of snapshot ${memory}`,
    remedy: "it was not kept whole",
  })
