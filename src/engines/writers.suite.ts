/** Writers that never stop, and what of theirs a disk must and may hold at an instant. */
import type { VolumeId } from "../domain/ids.ts"
import { dice, mebi } from "./content.suite.ts"
import type { Opener } from "./engine-rig.suite.ts"

const page = 4096
const pages = mebi / page

/** Each page is written again and again, whole, with a number that grows. */
export class Writers {
  readonly issued: number[] = Array(pages).fill(0)
  readonly acknowledged: number[] = Array(pages).fill(0)
  readonly #opener: Opener
  readonly #volume: VolumeId
  #stopped = false
  #count = 0

  constructor(opener: Opener, volume: VolumeId) {
    this.#opener = opener
    this.#volume = volume
  }

  /** Writes the pages of its lane only, so that each page has one write at a time. */
  async run(lane: number): Promise<void> {
    const roll = dice(lane + 1)
    while (!this.#stopped) {
      const at = 4 * Math.floor((roll() * pages) / 4) + lane
      const number = (this.issued[at] ?? 0) + 1
      this.issued[at] = number
      const bytes = Buffer.alloc(page)
      for (let word = 0; word < page; word += 4) bytes.writeUInt32LE(number, word)
      await this.#opener.write(this.#volume, at * page, bytes)
      this.acknowledged[at] = number
      this.#count += 1
      await new Promise((resolve) => setImmediate(resolve))
    }
  }

  async progress(writes: number): Promise<void> {
    const goal = this.#count + writes
    while (this.#count < goal) await new Promise((resolve) => setImmediate(resolve))
  }

  stop(): void {
    this.#stopped = true
  }
}

/** The number that each page holds; a torn page holds none. */
export function found(disk: Buffer): number[] {
  return Array.from({ length: pages }, (_, at) => {
    const bytes = disk.subarray(at * page, (at + 1) * page)
    const number = bytes.readUInt32LE()
    const whole = Buffer.alloc(page)
    for (let word = 0; word < page; word += 4) whole.writeUInt32LE(number, word)
    return bytes.equals(whole) ? number : Number.NaN
  })
}
