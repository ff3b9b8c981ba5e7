/** Where one benchmark stands: a folder of its own, and the end of all that it began. */
import { chmod, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import type { Stand } from "../benchmark.ts"

export type OpenStand = Stand & {
  /** May be called again while it is at it; throws the first thing that went wrong. */
  close(): Promise<void>
}

export async function openStand(about: {
  full: boolean
  say(words: string): void
}): Promise<OpenStand> {
  const folder = await mkdtemp(join(roomyFolder(), "tintype-bench-"))
  // QEMU runs as another user, who passes through here.
  await chmod(folder, 0o711)
  const ends: (() => unknown)[] = [() => rm(folder, { recursive: true, maxRetries: 5 })]
  let closing: Promise<void> | undefined
  const endAll = async () => {
    const failures: unknown[] = []
    for (const end of ends.toReversed()) {
      try {
        await end()
      } catch (cause) {
        failures.push(cause)
      }
    }
    if (failures.length > 0) throw failures[0]
  }
  return {
    ...about,
    folder,
    after: (end) => void ends.push(end),
    close() {
      closing ??= endAll()
      return closing
    },
  }
}

/** `/tmp` is often memory, and what is measured here is a disk. */
const roomyFolder = () =>
  process.env["TMPDIR"] ?? (process.platform === "linux" ? "/var/tmp" : tmpdir())
