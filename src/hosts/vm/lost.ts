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

/** It may be a moment's wait where QEMU does not answer, so only who says so for long is lost. */
export async function isLost(guest: Guest): Promise<boolean> {
  if (!(await someThreadWaits(guest.process.pid))) return false
  const writes = async () => isWriting(await streamOf(await guest.monitor()))
  return !(await writes().catch(() => false))
}

async function someThreadWaits(pid: number): Promise<boolean> {
  const place = `/proc/${pid}/task`
  const threads = await readdir(place).catch(() => [])
  const waits = await Promise.all(
    threads.map((thread) => readFile(join(place, thread, "wchan"), "utf8").catch(() => "")),
  )
  return waits.some((where) => where.trim() === waitsForPage)
}
