/** Small writes at random places of an open disk, many in flight. */
import type { Nbd } from "../../src/platform/nbd.ts"
import { rateOf } from "./measure.ts"

export const blockBytes = 4096
const inFlight = 16

/** `count` blocks of 4 KiB, durable when it resolves. With `apartBytes` no two lie in one such. */
export async function scatter(nbd: Nbd, count: number, apartBytes?: number): Promise<void> {
  const block = crypto.getRandomValues(new Uint8Array(blockBytes))
  const unit = apartBytes ?? blockBytes
  const units = Math.floor(nbd.sizeBytes / unit)
  const taken = new Set<number>()
  const place = (): number => {
    const at = Math.floor(Math.random() * units)
    if (apartBytes === undefined || !taken.has(at)) return taken.add(at) && at * unit
    return place()
  }
  await rateOf(count, inFlight, () => nbd.write(place(), block))
  await nbd.flush()
}
