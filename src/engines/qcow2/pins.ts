/**
 * Layers whose bytes must stay although no record may need them any more: a storage daemon reads
 * them, a process is about to open them, upkeep copies them or has not yet moved everybody off
 * them. A pinned file is neither removed nor has holes punched into it.
 *
 * Pins die with the process. What they guarded against then is dead too, or is pinned anew from
 * the record of begun upkeep.
 */
import type { LayerId } from "./layer-files.ts"

export class Pins {
  readonly #held = new Map<LayerId, number>()
  readonly #opening = new Map<LayerId, number>()
  /** Doomed, and not removed because they were pinned. */
  readonly #waiting = new Set<LayerId>()
  #wake: (() => void)[] = []

  /** `opening`: a process opens them, and cannot be moved off them before it has done so. */
  hold(layers: readonly LayerId[], { opening = false } = {}): Disposable {
    const counts = opening ? [this.#held, this.#opening] : [this.#held]
    let held = true
    for (const count of counts) for (const id of layers) count.set(id, (count.get(id) ?? 0) + 1)
    return {
      [Symbol.dispose]: () => {
        if (!held) return
        held = false
        for (const count of counts) for (const id of layers) lower(count, id)
        for (const wake of this.#wake.splice(0)) wake()
      },
    }
  }

  has(id: LayerId): boolean {
    return this.#held.has(id)
  }

  isOpening(layers: readonly LayerId[]): boolean {
    return layers.some((id) => this.#opening.has(id))
  }

  /** Resolves once nobody is about to open any of these; false when the time is up. */
  async opened(layers: readonly LayerId[], withinMs: number): Promise<boolean> {
    const deadline = performance.now() + withinMs
    while (this.isOpening(layers)) {
      const left = deadline - performance.now()
      if (left <= 0) return false
      let timer: NodeJS.Timeout | undefined
      await new Promise<void>((wake) => {
        this.#wake.push(wake)
        timer = setTimeout(wake, left)
      })
      clearTimeout(timer)
    }
    return true
  }

  /** Of these, and of those that had to wait before, which may go now; the others wait. */
  free(doomed: readonly LayerId[]): LayerId[] {
    for (const id of doomed) this.#waiting.add(id)
    const free = [...this.#waiting].filter((id) => !this.has(id))
    for (const id of free) this.#waiting.delete(id)
    return free
  }
}

function lower(count: Map<LayerId, number>, id: LayerId): void {
  const left = (count.get(id) ?? 0) - 1
  if (left > 0) count.set(id, left)
  else count.delete(id)
}
