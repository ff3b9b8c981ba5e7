/** The clusters of a layer that all who read through it have over it: out of reach, for ever. */
import { createHash } from "node:crypto"
import { open } from "node:fs/promises"
import { Clusters } from "./clusters.ts"
import type { LayerFiles, LayerId } from "./layer-files.ts"
import type { LayerMaps } from "./maps.ts"
import type { Cover, Covered } from "./readers.ts"

const countsKept = 50_000
/** Covers lie over one another, so the layer below needs what was found for the one above. */
const shadowsKept = 16

export class Shadows {
  readonly #maps: LayerMaps
  /** How many clusters of a layer are needless under certain covers; the oldest first. */
  readonly #counts = new Map<string, number>()

  constructor(maps: LayerMaps) {
    this.#maps = maps
  }

  /** What of its data a layer can do without, whether it has given it back already or not. */
  needless(covered: Covered): Promise<Clusters> {
    return new Sweep(this.#maps).needless(covered)
  }

  /**
   * How much that is for each of these, the upper ones first. What is gone or cannot be read covers
   * nothing: one broken layer is no reason to tell nobody anything.
   */
  async countNeedless(layers: readonly Covered[]): Promise<number[]> {
    const sweep = new Sweep(this.#maps)
    const counts: number[] = []
    for (const covered of layers) {
      counts.push(await this.#count(sweep, covered).catch(() => 0))
    }
    return counts
  }

  /** It may be written into again. */
  forget(id: LayerId): void {
    this.#maps.forget(id)
    this.#counts.clear()
  }

  async #count(sweep: Sweep, covered: Covered): Promise<number> {
    const key = `${covered.id} ${await sweep.key(covered.above)}`
    const known = this.#counts.get(key)
    if (known !== undefined) return known
    const { size } = await sweep.needless(covered)
    this.#counts.set(key, size)
    for (const [oldest] of this.#counts) {
      if (this.#counts.size <= countsKept) break
      this.#counts.delete(oldest)
    }
    return size
  }
}

/** That the covers hold what was read from their tables is on disk when this resolves. */
export async function makeSure(store: { layers: LayerFiles }, above: readonly Cover[]) {
  for (const { id, above: further } of above) {
    const file = await open(store.layers.path(id), "r")
    try {
      await file.sync()
    } finally {
      await file.close()
    }
    if (further !== null) await makeSure(store, further)
  }
}

/** One look at the covers as they are now. */
class Sweep {
  readonly #maps: LayerMaps
  readonly #keys = new Map<readonly Cover[], string>()
  readonly #shadows = new Map<readonly Cover[], Clusters>()

  constructor(maps: LayerMaps) {
    this.#maps = maps
  }

  async needless({ id, above }: Covered): Promise<Clusters> {
    const shadowed = await this.#shadow(above)
    if (shadowed.isEmpty) return shadowed
    return shadowed.intersection((await this.#maps.of(id, { frozen: true })).data)
  }

  /** Another text when what the covers hold may have changed. */
  async key(above: readonly Cover[]): Promise<string> {
    const known = this.#keys.get(above)
    if (known !== undefined) return known
    const covers: string[] = []
    for (const { id, growing, above: further } of above) {
      const written = growing ? this.#maps.written(id) : ""
      // After an await, so that a long path is not a deep stack.
      await null
      covers.push(`${id} ${written} ${further === null ? "" : await this.key(further)}`)
    }
    const key = createHash("sha256").update(covers.sort().join()).digest("base64")
    this.#keys.set(above, key)
    return key
  }

  /** Held by every cover, or by all that stands on one that has no readers of its own. */
  async #shadow(above: readonly Cover[]): Promise<Clusters> {
    const known = this.#shadows.get(above)
    if (known !== undefined) return known
    let shadowed: Clusters | null = null
    for (const cover of above) {
      const { data, zero } = await this.#maps.of(cover.id, { frozen: !cover.growing })
      const held = data.union(zero)
      if (cover.above !== null) held.addAll(await this.#shadow(cover.above))
      shadowed = shadowed === null ? held : shadowed.intersection(held)
      if (shadowed.isEmpty) break
    }
    // Where nobody stands above, nobody covers anything.
    const result = shadowed ?? new Clusters()
    this.#shadows.set(above, result)
    for (const [oldest] of this.#shadows) {
      if (this.#shadows.size <= shadowsKept) break
      this.#shadows.delete(oldest)
    }
    return result
  }
}
