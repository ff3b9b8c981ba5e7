/** The layers that a reader goes through, its own first, as clusters are looked for in them. */
import { Clusters } from "./clusters.ts"
import type { LayerId } from "./layer-files.ts"
import type { LayerMap } from "./layer-map.ts"
import type { LayerMaps } from "./maps.ts"
import type { Layer } from "./tree.ts"

/** Of clusters that were looked for: those that hold bytes, and in which layer. */
export type Found = { data: Clusters; places: readonly Place[] }
export type Place = { layer: LayerId; map: LayerMap; clusters: Clusters }

export class Path {
  readonly layers: readonly Layer[]
  readonly #maps: LayerMaps
  readonly #depths: ReadonlyMap<LayerId, number>

  constructor(maps: LayerMaps, layers: readonly Layer[]) {
    this.#maps = maps
    this.layers = layers
    this.#depths = new Map(layers.map(({ id }, depth) => [id, depth]))
  }

  /** How many layers lie over this one; undefined where it is none of the path's. */
  depthOf(id: LayerId): number | undefined {
    return this.#depths.get(id)
  }

  /** What its uppermost layers hold, or all of them, as bytes or as zeros. */
  async held(depth: number = this.layers.length): Promise<Clusters> {
    const held = new Clusters()
    for (const { id } of this.layers.slice(0, depth)) {
      const { data, zero } = await this.#maps.of(id, { frozen: true })
      held.addAll(data)
      held.addAll(zero)
    }
    return held
  }

  /** What is not found reads as zeros. No layer is looked into once everything is found. */
  async find(wanted: Clusters): Promise<Found> {
    const [left, data] = [wanted.union(new Clusters()), new Clusters()]
    const places: Place[] = []
    for (const { id } of this.layers) {
      if (left.isEmpty) break
      const map = await this.#maps.of(id, { frozen: true })
      const clusters = left.intersection(map.data)
      if (!clusters.isEmpty) places.push({ layer: id, map, clusters })
      data.addAll(clusters)
      left.removeAll(map.data)
      left.removeAll(map.zero)
    }
    return { data, places }
  }
}
