/**
 * A machine that never goes on. While QEMU writes a guest's memory in the background, whoever
 * touches a page that is not written yet waits in the kernel (userfaultfd) until it is. Where that
 * writing was cut off, by whatever, nobody will ever write it: the guest's processor waits for
 * good, and sooner or later QEMU's own thread with it.
 */
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import type { Guest } from "./guest.ts"
import { isWriting, streamOf } from "./memory-stream.ts"

/** Where a thread is in the kernel, as /proc/PID/task/TID/wchan tells it (proc(5)). */
const waitsForPage = "handle_userfault"

export type Thread = {
  /** A letter of /proc/PID/task/TID/stat; D: it waits, and not for a signal: for a disk, mostly. */
  state: string
  where: string
}

/** It may be a moment's wait where QEMU does not answer, so only who says so for long is lost. */
export async function isLost(guest: Guest): Promise<boolean> {
  if (!seemsLost(await threadsOf(guest.process.pid))) return false
  const writes = async () => isWriting(await streamOf(await guest.monitor()))
  return !(await writes().catch(() => false))
}

/**
 * Somebody waits for a page, and nobody for a disk: one that takes nothing for minutes may yet go
 * on, and then the page is written.
 */
export function seemsLost(threads: readonly Thread[]): boolean {
  const waiting = threads.filter(({ where }) => where === waitsForPage)
  const atDisk = threads.some(({ state, where }) => state === "D" && where !== waitsForPage)
  return waiting.length > 0 && !atDisk
}

async function threadsOf(pid: number): Promise<Thread[]> {
  const place = `/proc/${pid}/task`
  const ids = await readdir(place).catch(() => [])
  const told = (id: string, what: string) => readFile(join(place, id, what), "utf8").catch(() => "")
  return await Promise.all(
    ids.map(async (id) => {
      const [stat, where] = await Promise.all([told(id, "stat"), told(id, "wchan")])
      // The state follows the name, which stands in parentheses and may hold some.
      return { state: stat.slice(stat.lastIndexOf(")") + 2)[0] ?? "", where: where.trim() }
    }),
  )
}
