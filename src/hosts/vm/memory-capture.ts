/**
 * The disks and the memory of a running guest, of one instant:
 *
 *   stop; transaction (all disks onto their overlays); migrate, and QEMU lets the guest go on
 *
 * What takes long is done before the `stop`: the file's space is set aside, the overlays are
 * open, the file is handed over. Between STOP and RESUME are four commands and no work of ours.
 */
import type { DiskSwitch } from "../../domain/disk.ts"
import { Refusal } from "../../domain/fault.ts"
import type { MachineId, SnapshotId } from "../../domain/ids.ts"
import { within } from "../../platform/deadline.ts"
import { ConnectionLost, isObject } from "../../platform/json-lines.ts"
import type { Qmp } from "../../platform/qmp.ts"
import type { Capture } from "../host.ts"
import { topsBySlot } from "./block-nodes.ts"
import { switchWithin } from "./disks.ts"
import type { Guest } from "./guest.ts"
import { handedOver, handOver, takeBack } from "./hand-over.ts"
import { type MemoryFiles, partPlace } from "./memory-files.ts"
import { chooseWay, endOfStream, inBackground, setBackground, streamOf } from "./memory-stream.ts"
import { letRun, runStateOf } from "./standstill.ts"

const resumesWithinMs = 30_000
const migrateWithinMs = 30_000

export async function captureMemory(
  files: MemoryFiles,
  guest: Guest,
  memory: SnapshotId,
  switches: readonly DiskSwitch[],
): Promise<Capture> {
  if (await files.isBegun(memory)) return capturedBefore(guest, switches)
  // One that was given up runs to its end all the same.
  await endOfStream(guest)
  const qmp = await guest.monitor()
  try {
    const reserved = await files.reserve(memory, await longestStream(qmp))
    const why = await chooseWay(qmp, reserved)
    const channel = await handOver(files.dataDir, guest.machine, partPlace(memory))
    try {
      return await guest.disksTurn(() => capture(guest, channel, why, switches))
    } finally {
      channel.close()
    }
  } catch (cause) {
    await giveUpMemory(files, guest, memory).catch(() => {})
    throw cause
  }
}

function capture(
  guest: Guest,
  channel: Qmp,
  why: string | null,
  switches: readonly DiskSwitch[],
): Promise<Capture> {
  return switchWithin(guest, switches, async (qmp, pending, switchNow) => {
    // Who switched them is not known to have kept the guest still since.
    if (pending.length < switches.length) throw interrupted(guest.machine)
    const pause = pauseOf(guest, qmp)
    try {
      await stop(guest, qmp)
      await switchNow()
      await channel.execute("migrate", { uri: handedOver }, { timeoutMs: migrateWithinMs })
      const what = `machine ${guest.machine}, let go by QEMU,`
      if (why === null) await within(pause.over, resumesWithinMs, what)
      return { pauseMs: pause.lastedMs(), skewMs: 0, running: why === null, note: noteOf(why) }
    } finally {
      pause.forget()
    }
  })
}

/** From STOP to RESUME, or to now, by QEMU's clock, which is ours. */
function pauseOf({ machine }: Guest, qmp: Qmp) {
  const over = Promise.withResolvers<void>()
  let from = Date.now()
  let to: number | undefined
  const listening = [
    qmp.on("STOP", ({ atMs }) => {
      from = atMs
    }),
    qmp.on("RESUME", ({ atMs }) => {
      to = atMs
      over.resolve()
    }),
    qmp.on("MIGRATION", ({ data }) => {
      if (data["status"] === "failed") over.reject(interrupted(machine))
    }),
  ]
  qmp.closed.then(() => over.reject(new ConnectionLost("QEMU"))).catch(() => {})
  over.promise.catch(() => {})
  return {
    over: over.promise,
    lastedMs: () => Math.max(0, (to ?? Date.now()) - from),
    forget: () => {
      for (const stop of listening) stop()
    },
  }
}

/**
 * The guest goes on, nothing is left of the file, and nothing is written any more. A stream that
 * must not be cancelled is waited for; its file has no name by then.
 */
export async function giveUpMemory(
  files: MemoryFiles,
  guest: Guest,
  memory: SnapshotId,
): Promise<void> {
  try {
    await letRun(guest)
  } finally {
    await files.remove(memory)
  }
  await endOfStream(guest)
  await takeBack(files.dataDir, guest.machine)
  await setBackground(await guest.monitor(), false)
}

/** Its stream was begun, and that comes last: all of it happened, though nobody heard how. */
async function capturedBefore(guest: Guest, switches: readonly DiskSwitch[]): Promise<Capture> {
  const qmp = await guest.monitor()
  const tops = new Set((await topsBySlot(qmp)).values())
  if (!switches.every(({ to }) => tops.has(to))) throw interrupted(guest.machine)
  const running = await inBackground(qmp)
  const { downtimeMs } = await streamOf(qmp)
  const note = running ? null : noteOf("QEMU was told so before a restart")
  return { pauseMs: downtimeMs, skewMs: 0, running, note }
}

const noteOf = (why: string | null) =>
  why === null ? null : `the guest stood still while its memory was written: ${why}`

export const interrupted = (machine: MachineId) =>
  new Refusal({ kind: "interrupted", what: `keeping the memory of machine ${machine}` })

/**
 * Being told to stop changes nothing for a guest that waits for space, and QEMU (7.2) aborts, and
 * the guest with it, when it is to write the memory of one. A disk may fill up at any moment: so
 * only of a guest that stands still by our word is it known that it does not wait.
 */
async function stop({ machine }: Guest, qmp: Qmp): Promise<void> {
  const [, state] = await Promise.all([qmp.execute("stop"), runStateOf(qmp)])
  if (state === "paused") return
  const is = state === "io-error" ? "waiting for space on its disk" : state
  throw new Refusal({ kind: "wrong-state", what: "machine", id: machine, is, needs: ["running"] })
}

/**
 * More than a stream of this guest can take. Each page is written at most once, with 8 bytes
 * before it and up to 256 more where the next one is of another block; then there are the blocks
 * beside the guest's memory (firmware, tables) and the devices, some MiB together.
 */
async function longestStream(qmp: Qmp): Promise<number> {
  const sizes = await qmp.execute("query-memory-size-summary")
  const { "base-memory": base, "plugged-memory": plugged } = isObject(sizes) ? sizes : {}
  const bytes = Number(base ?? Number.NaN) + Number(plugged ?? 0)
  if (!(bytes > 0)) throw new Error("QEMU did not tell the size of its guest's memory")
  return Math.ceil((bytes * 17) / 16) + 64 * 2 ** 20
}
