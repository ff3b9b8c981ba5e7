/** All that the records say at one instant: who stands on what, and who needs it. */
import type { EngineMemoryTx } from "../../domain/engine-memory.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"
import {
  type Head,
  type Layer,
  type Point,
  readHead,
  readLayer,
  readPoint,
  readWork,
  type Work,
} from "./records.ts"

export async function readTree(tx: EngineMemoryTx): Promise<Tree> {
  const layers = (await tx.all("layer")).map(readLayer)
  const heads = (await tx.all("volume")).map(readHead)
  const points = (await tx.all("point")).map(readPoint)
  return new Tree(layers, heads, points, (await tx.all("upkeep")).map(readWork))
}

export class Tree {
  readonly layers: ReadonlyMap<string, Layer>
  readonly heads: readonly Head[]
  readonly points: readonly Point[]
  readonly works: readonly Work[]
  readonly #children = new Map<string, Layer[]>()

  constructor(
    layers: readonly Layer[],
    heads: readonly Head[],
    points: readonly Point[],
    works: readonly Work[],
  ) {
    this.layers = new Map(layers.map((layer) => [layer.id, layer]))
    this.heads = heads
    this.points = points
    this.works = works
    for (const layer of layers) {
      if (layer.parent === null) continue
      const siblings = this.#children.get(layer.parent) ?? []
      this.#children.set(layer.parent, [...siblings, layer])
    }
  }

  /** The same without these points. */
  without(points: ReadonlySet<PointId>): Tree {
    const left = this.points.filter(({ id }) => !points.has(id))
    return new Tree([...this.layers.values()], this.heads, left, this.works)
  }

  children(id: string): readonly Layer[] {
    return this.#children.get(id) ?? []
  }

  isNamed(id: string): boolean {
    return this.points.some((point) => point.layer === id)
  }
  isHead(id: string): boolean {
    return this.heads.some(({ layer, armed }) => layer === id || armed === id)
  }

  /** From this layer to the lowest. */
  path(top: string): Layer[] {
    const path: Layer[] = []
    for (let at: string | null = top; at !== null; ) {
      const layer = this.layers.get(at)
      if (layer === undefined) throw new Error(`layer ${at} is not known`)
      path.push(layer)
      at = layer.parent
    }
    return path
  }

  /** What heads and points stand on. */
  needed(): Map<string, Set<VolumeId>> {
    const needed = new Map<string, Set<VolumeId>>()
    const need = (top: string, volume: VolumeId) => {
      for (const { id } of this.path(top)) {
        needed.set(id, (needed.get(id) ?? new Set<VolumeId>()).add(volume))
      }
    }
    for (const { volume, layer, armed } of this.heads) need(armed ?? layer, volume)
    for (const { volume, layer } of this.points) need(layer, volume)
    return needed
  }

  /**
   * What is needed, and what begun upkeep may not lose: the layer it made, and until all have
   * moved, those that it replaced. When nobody needs the new one any more, nobody has the old.
   */
  held(): Set<string> {
    const held = new Set(this.needed().keys())
    for (const { run, layer, committed } of this.works) {
      if (committed !== null && !held.has(layer)) continue
      for (const id of committed === null ? [layer] : run) if (this.layers.has(id)) held.add(id)
    }
    return held
  }

  /** The same without what nothing holds. */
  pruned(): Tree {
    const held = this.held()
    const layers = [...this.layers.values()].filter(({ id }) => held.has(id))
    return new Tree(layers, this.heads, this.points, this.works)
  }
}
