/** Reading a disk as fast as QEMU's own client can. */
import { run } from "../../src/platform/command.ts"

const blockBytes = 4096
const inFlight = 8
const readsAtOnce = 8_000
const timeoutMs = 120_000

/**
 * Reads of 4 KiB, 8 at once, spread over the disk: each golden section of it further than the one
 * before, so that they come everywhere equally often and never in a row.
 */
export async function readsPerSecond(uri: string, sizeBytes: number): Promise<number> {
  const step = Math.round((sizeBytes * 0.618034) / blockBytes) * blockBytes
  const numbers = { c: readsAtOnce, d: inFlight, s: blockBytes, S: step }
  const options = Object.entries(numbers).flatMap(([name, value]) => [`-${name}`, `${value}`])
  const argv = ["qemu-img", "bench", "-f", "raw", ...options, uri] as const
  const said = await run(argv, { timeoutMs })
  const seconds = Number(/completed in ([\d.]+) seconds/.exec(said)?.[1])
  if (!(seconds > 0)) throw new Error(`qemu-img bench said: ${said}`)
  return readsAtOnce / seconds
}
