/**
 * Who reads a layer, and through what. A layer that no head and no point is on is read only by
 * what stands on it; so a cluster that all those hold themselves is out of reach in it, for ever:
 * QEMU never makes a cluster unallocated again (a discard in an overlay leaves a cluster of zeros).
 */
import type { LayerId } from "./layer-files.ts"
import type { Layer, Point, Tree } from "./tree.ts"

/** A layer as a cover over what it stands on: its clusters hide those below. */
export type Cover = {
  id: LayerId
  /** It is still written to, and covers more all the time. */
  growing: boolean
  /** Read only through these, which then cover together with it; null: somebody reads it itself. */
  above: Cover[] | null
}

/** A layer that is read only through its covers. */
export type Covered = { id: LayerId; above: Cover[] }

type Needs = Awaited<ReturnType<Tree["needs"]>>

/** Looks each layer up once, for all that is asked within a transaction. */
export class Readers {
  readonly #tree: Tree
  /** Read by somebody all the same, whom the memory does not know of. */
  readonly #isOpen: (id: LayerId) => boolean
  readonly #layers = new Map<LayerId, Layer | undefined>()
  readonly #needs = new Map<LayerId, Needs>()

  constructor(tree: Tree, isOpen: (id: LayerId) => boolean = () => false) {
    this.#tree = tree
    this.#isOpen = isOpen
  }

  /** Null where it is gone, or has readers of its own. */
  async covered(id: LayerId): Promise<Covered | null> {
    const layer = await this.layer(id)
    if (layer === undefined || layer.doomed) return null
    const above = await this.#above(id, noGap())
    return above === null ? null : { id, above }
  }

  /**
   * What becomes of the layers when these points go: those that go whole, and those left over
   * that are then read only through others.
   */
  async without(
    points: readonly Point[],
  ): Promise<{ gone: LayerId[]; covered: Covered[]; seen: ReadonlySet<LayerId> }> {
    const gap = noGap()
    for (const { layer } of points) gap.points.set(layer, (gap.points.get(layer) ?? 0) + 1)
    const left = new Set<LayerId>()
    for (const { layer } of points) left.add((await this.#fall(layer, gap)) ?? layer)
    const covered = new Map<LayerId, Covered>()
    for (const start of left) {
      for (let id: LayerId | null = start; id !== null && !covered.has(id); ) {
        if (gap.layers.has(id)) break
        const above = await this.#above(id, gap)
        if (above === null) break
        covered.set(id, { id, above })
        id = (await this.layer(id))?.parent ?? null
      }
    }
    return { gone: [...gap.layers], covered: [...covered.values()], seen: gap.seen }
  }

  async layer(id: LayerId): Promise<Layer | undefined> {
    if (!this.#layers.has(id)) this.#layers.set(id, await this.#tree.layer(id))
    return this.#layers.get(id)
  }

  /** As `Tree.letGo` does it; gives the layer where it ends. */
  async #fall(from: LayerId, gap: Gap): Promise<LayerId | null> {
    for (let id: LayerId | null = from; id !== null; id = (await this.layer(id))?.parent ?? null) {
      const { heads, points, children } = await this.#needsOf(id, gap)
      if (heads + points + children.length > 0) return id
      gap.layers.add(id)
    }
    return null
  }

  async #above(id: LayerId, gap: Gap): Promise<Cover[] | null> {
    const known = gap.above.get(id)
    if (known !== undefined) return known
    const { heads, points, children } = await this.#needsOf(id, gap)
    const own = heads + points > 0 || this.#isOpen(id)
    const above: Cover[] | null = own ? null : []
    for (const child of own ? [] : children) {
      const growing = (await this.#needsOf(child, gap)).heads > 0
      above?.push({ id: child, growing, above: await this.#above(child, gap) })
    }
    gap.above.set(id, above)
    return above
  }

  async #needsOf(id: LayerId, gap: Gap): Promise<Needs> {
    const needs = this.#needs.get(id) ?? (await this.#tree.needs(id))
    this.#needs.set(id, needs)
    gap.seen.add(id)
    return {
      heads: needs.heads,
      points: needs.points - (gap.points.get(id) ?? 0),
      children: needs.children.filter((child) => !gap.layers.has(child)),
    }
  }
}

/** What is imagined to be gone: so many points of a layer, and whole layers. */
type Gap = {
  points: Map<LayerId, number>
  layers: Set<LayerId>
  /** Found out already, with all of that gone. */
  above: Map<LayerId, Cover[] | null>
  /** Whose readers were looked at. */
  seen: Set<LayerId>
}
const noGap = (): Gap => ({
  points: new Map(),
  layers: new Set(),
  above: new Map(),
  seen: new Set(),
})

/** Those of the covers that are still written to. */
export const growingAbove = (above: readonly Cover[]): LayerId[] =>
  above.flatMap(({ id, growing, above }) => (growing ? [id] : growingAbove(above ?? [])))
