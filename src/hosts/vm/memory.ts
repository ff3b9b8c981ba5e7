/** Keeping the memory of guests: what `memory-capture.ts` begins is brought to its end here. */
import { readdir, readlink, realpath } from "node:fs/promises"
import { join } from "node:path"
import { Refusal } from "../../domain/fault.ts"
import type { SnapshotId } from "../../domain/ids.ts"
import type { Host, HostConfig, MemoryWatch } from "../host.ts"
import type { Guest } from "./guest.ts"
import type { Guests } from "./guests.ts"
import { captureMemory, giveUpMemory, interrupted } from "./memory-capture.ts"
import { MemoryFiles, partPlace } from "./memory-files.ts"
import { endOfStream, type Stream, setBackground } from "./memory-stream.ts"
import { letRun } from "./standstill.ts"

type MemoryVerbs = Pick<Host, "captureMemory" | "keepMemory" | "dropMemory" | "memories">

export function memoryVerbs({ dataDir }: HostConfig, guests: Guests): MemoryVerbs {
  const files = new MemoryFiles(dataDir)
  return {
    async captureMemory(machine, memory, switches) {
      return captureMemory(files, await guests.get(machine), memory, switches)
    },

    async keepMemory(machine, memory, watch) {
      const guest = await guests.find(machine)
      const kept = await files.bytesOf(memory)
      if (kept !== null) return { bytes: kept }
      if (guest === undefined || !(await files.isBegun(memory))) throw interrupted(machine)
      return { bytes: await keep(files, guest, memory, watch) }
    },

    async dropMemory(memory) {
      const writer = (await files.isThere(memory))
        ? await writerOf(files, guests, memory)
        : undefined
      await files.remove(memory)
      // What hangs, or ends meanwhile, writes no more and holds nothing back.
      if (writer !== undefined) await giveUpMemory(files, writer, memory).catch(() => {})
    },

    memories: () => files.all(),
  }
}

async function keep(
  files: MemoryFiles,
  guest: Guest,
  memory: SnapshotId,
  watch: MemoryWatch,
): Promise<number> {
  const stream = await endOfStream(guest, watch).catch((cause: unknown) => {
    // A host that is being closed knows of no machine any more, and this is not the stream's end.
    watch.signal.throwIfAborted()
    throw isOff(cause) ? interrupted(guest.machine) : cause
  })
  // It stood still until now where it had to.
  await letRun(guest)
  if (stream.status !== "completed") throw notKept(guest, stream)
  await files.seal(memory)
  await setBackground(await guest.monitor(), false)
  return (await files.bytesOf(memory)) ?? 0
}

const isOff = (cause: unknown) => cause instanceof Refusal && cause.fault.kind === "wrong-state"

function notKept({ machine }: Guest, { why }: Stream): Refusal {
  if (why === null) return interrupted(machine)
  const what = `the memory of machine ${machine}`
  return new Refusal({ kind: "unavailable", what, remedy: `QEMU could not write it: ${why}` })
}

/** Whoever has the file of an unfinished memory open, or handed over. */
async function writerOf(
  files: MemoryFiles,
  guests: Guests,
  memory: SnapshotId,
): Promise<Guest | undefined> {
  const file = join(await realpath(files.dataDir), partPlace(memory))
  for (const guest of await guests.everyone()) {
    if ((await openFiles(guest.process.pid)).includes(file)) return guest
  }
  return undefined
}

async function openFiles(pid: number): Promise<string[]> {
  const place = `/proc/${pid}/fd`
  const descriptors = await readdir(place).catch(() => [])
  return Promise.all(descriptors.map((fd) => readlink(join(place, fd)).catch(() => "")))
}
