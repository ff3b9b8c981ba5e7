/**
 * Layers that are to be looked at again, because they could not give back all they will: somebody
 * had them open, or the disk refused; or a head stands on them that covers more with each write.
 * A process that dies forgets them. What is due is recorded; what grows comes to the same when the
 * head is frozen, and the layer below it merged into it.
 */
import { type OneAtATime, oneAtATime } from "../../platform/one-at-a-time.ts"
import type { LayerFiles, LayerId } from "./layer-files.ts"
import type { Pins } from "./pins.ts"

const againAfterMs = 60_000
/** Where it comes to nothing again and again. */
const longestWaitMs = 3_600_000
/** What a head must have grown by, so that looking at what it covers is worth it. */
const worthBytes = 64 * 2 ** 20

type Later = {
  heads: readonly LayerId[]
  bytes: number
  notBefore: number
  /** How long that is from the last time. */
  waitMs: number
  /** Of it and those above it, what somebody had open: not before they have closed it. */
  open: readonly LayerId[]
  /** What stood in the way. */
  trouble: string | null
}

export class Reclaims {
  /** Holes give space back here, as far as is known. */
  makesHoles = true
  /** Layers give space back one after the other. */
  readonly turn: OneAtATime = oneAtATime()
  readonly #layers: Pick<LayerFiles, "bytes">
  readonly #pins: Pins
  readonly #nowMs: () => number
  readonly #later = new Map<LayerId, Later>()

  constructor(
    layers: Pick<LayerFiles, "bytes">,
    pins: Pins,
    nowMs: () => number = () => performance.now(),
  ) {
    this.#layers = layers
    this.#pins = pins
    this.#nowMs = nowMs
  }

  /** It could not give back what is due, for now. */
  again(id: LayerId, trouble: string | null, open: readonly LayerId[]): void {
    const waitMs = this.#nextWaitMs(this.#later.get(id))
    const notBefore = this.#nowMs() + (open.length > 0 ? 0 : waitMs)
    this.#later.set(id, { heads: [], bytes: 0, notBefore, waitMs, open, trouble })
  }

  /** Twice as long when it was waited for in vain; not for whoever asked in between. */
  #nextWaitMs(last: Later | undefined): number {
    if (last === undefined || last.heads.length + last.open.length > 0) return againAfterMs
    return this.#nowMs() < last.notBefore ? last.waitMs : Math.min(longestWaitMs, last.waitMs * 2)
  }

  /** It gave back all that these left it, and they grow. */
  async done(id: LayerId, heads: readonly LayerId[]): Promise<void> {
    if (heads.length === 0) return void this.#later.delete(id)
    const bytes = await this.#bytesOf(heads)
    this.#later.set(id, {
      heads,
      bytes,
      notBefore: this.#nowMs() + againAfterMs,
      waitMs: againAfterMs,
      open: [],
      trouble: null,
    })
  }

  forget(id: LayerId): void {
    this.#later.delete(id)
  }

  /** In words, for people. */
  troubles(): string[] {
    return [...this.#later].flatMap(([id, { trouble }]) =>
      trouble === null ? [] : [`layer ${id} cannot give back its space: ${trouble}`],
    )
  }

  async ripe(): Promise<LayerId[]> {
    const ripe: LayerId[] = []
    for (const [id, { heads, bytes, notBefore, open }] of this.#later) {
      if (this.#nowMs() < notBefore) continue
      if ([id, ...open].some((each) => this.#pins.has(each))) continue
      const grown = heads.length === 0 ? worthBytes : (await this.#bytesOf(heads)) - bytes
      if (grown >= worthBytes) ripe.push(id)
    }
    return ripe
  }

  /** One that is gone holds nothing any more. */
  async #bytesOf(ids: readonly LayerId[]): Promise<number> {
    const sizes = await Promise.all(ids.map((id) => this.#layers.bytes(id).catch(() => 0)))
    return sizes.reduce((sum, bytes) => sum + bytes, 0)
  }
}
