/**
 * So many bytes a second, for all who ask together. What was not used is not saved up: a copy that
 * has waited for long does not then run ahead of everybody's writes.
 */
import { setTimeout as sleep } from "node:timers/promises"

export class Pace {
  readonly #bytesPerMs: number
  readonly #now: () => number
  /** When all that was asked for so far may have passed. */
  #freeAt = 0

  constructor(bytesPerSecond: number, now: () => number = () => performance.now()) {
    this.#bytesPerMs = bytesPerSecond / 1000
    this.#now = now
  }

  /** How long to wait before these bytes. */
  waitMs(bytes: number): number {
    const now = this.#now()
    const startAt = Math.max(now, this.#freeAt)
    this.#freeAt = startAt + bytes / this.#bytesPerMs
    return startAt - now
  }

  async take(bytes: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const waitMs = this.waitMs(bytes)
    // Timers are no finer, and a shorter wait is made up for by the next.
    if (waitMs < 1) return
    await sleep(waitMs, undefined, { signal }).catch(() => signal.throwIfAborted())
  }
}
