/** What a run of layers shows together: for each cluster, the uppermost of them that has it. */
import { Clusters } from "./clusters.ts"
import { clusterBytes } from "./header.ts"
import type { LayerMap } from "./layer-map.ts"

/** Bytes that lie together in one layer and will lie together in the new one. */
export type Extent = {
  /** The layer's place in the run. */
  source: number
  offset: number
  length: number
  /** How many clusters of data come before. */
  rank: number
  /** Of these, so many are the disk's; a cluster can reach beyond its end. */
  shown: number
}

const longestClusters = 16

export class Combined {
  readonly sizeBytes: number
  readonly data: Clusters
  readonly zero: Clusters
  readonly #maps: readonly LayerMap[]
  /** The data that each layer contributes. */
  readonly #shares: readonly Clusters[]

  /**
   * `maps` are the run's, the lowest first. Where nothing lies below, zeros need no cluster.
   * `needless` is what nobody can read through the run.
   */
  constructor(maps: readonly LayerMap[], below: "a layer" | "nothing", needless: Clusters) {
    this.#maps = maps
    this.sizeBytes = maps.at(-1)?.sizeBytes ?? 0
    let seen = needless
    let [data, zero] = [new Clusters(), new Clusters()]
    const shares: Clusters[] = []
    for (const map of maps.toReversed()) {
      const share = map.data.minus(seen)
      shares.unshift(share)
      data = data.union(share)
      if (below === "a layer") zero = zero.union(map.zero.minus(seen))
      seen = seen.union(map.data).union(map.zero)
    }
    this.data = data
    this.zero = zero
    this.#shares = shares
  }

  /** In the disk's order, without the first so many clusters. */
  *extents(skip: number): Generator<Extent> {
    let extent: Extent | null = null
    let rank = -1
    let source = 0
    for (const { first, count } of this.data.runs()) {
      for (let cluster = first; cluster < first + count; cluster++) {
        if (++rank < skip) continue
        if (this.#shares[source]?.has(cluster) !== true) source = this.#sourceOf(cluster)
        const offset = this.#maps[source]?.hostOffset(cluster)
        if (offset === undefined) throw new Error(`cluster ${cluster} is nowhere`)
        const shown = this.#shown(source, cluster)
        if (extent !== null && continues(extent, { source, offset })) {
          extent.length += clusterBytes
          extent.shown += shown
        } else {
          if (extent !== null) yield extent
          extent = { source, offset, length: clusterBytes, rank, shown }
        }
      }
    }
    if (extent !== null) yield extent
  }

  #sourceOf(cluster: number): number {
    return this.#shares.findIndex((share) => share.has(cluster))
  }

  /** A layer may be smaller than those above: beyond its end there are zeros, whatever it holds. */
  #shown(source: number, cluster: number): number {
    const sizeBytes = this.#maps[source]?.sizeBytes ?? 0
    return Math.max(0, Math.min(clusterBytes, sizeBytes - cluster * clusterBytes))
  }
}

function continues(extent: Extent, next: { source: number; offset: number }): boolean {
  return (
    extent.source === next.source &&
    extent.offset + extent.length === next.offset &&
    extent.shown === extent.length &&
    extent.length < longestClusters * clusterBytes
  )
}
