/**
 * What a guest does whose memory is kept: it changes its memory, writes durably to its root disk
 * and to another, and counts on its console, so that the host hears which instant it is at.
 */
import { open } from "node:fs/promises"
import { setTimeout as sleep } from "node:timers/promises"

/** So much of its memory is random bytes, which no stream gets smaller. */
const ballastMiB = 64

/** For a shell in the guest; it goes on in the background. */
export const beBusy = `
  head -c ${ballastMiB}m /dev/urandom > /run/ballast
  (while :; do
    dd if=/run/ballast of=/run/changing bs=1M count=4 conv=notrunc
    for disk in /root/file /dev/vdb; do
      dd if=/run/ballast of=$disk bs=4k count=1 conv=notrunc,fsync
    done
    usleep 20000
  done) >/dev/null 2>&1 &
  (n=0; while :; do
    n=$((n + 1)); printf 'n%08d;' $n >/dev/ttyS0
    usleep 2000
  done) >/dev/null 2>&1 &`

const lookEveryMs = 1
const withinMs = 60_000

/** Resolves when the guest next counts, in the file that takes its console. */
export async function firstTick(consoleFile: string): Promise<void> {
  const file = await open(consoleFile, "r")
  const deadline = performance.now() + withinMs
  try {
    let heard = ""
    for (let at = (await file.stat()).size; performance.now() < deadline; at = at + heard.length) {
      const { buffer, bytesRead } = await file.read(Buffer.alloc(4096), 0, 4096, at)
      heard = buffer.toString("latin1", 0, bytesRead)
      if (heard.includes(";")) return
      await sleep(lookEveryMs)
    }
    throw new Error("the guest does not count")
  } finally {
    await file.close()
  }
}
