/**
 * What the engine remembers: which layer stands on which, which of them is a volume's head, and
 * which of them points name. A layer lives while a head or a point is on it, or a living layer
 * stands on it; otherwise it is **doomed**: marked so in the very transaction that let go of it,
 * its file removed after, its record removed last.
 *
 * Records:  layer  <layer>  parent: the layer below          {sizeBytes, doomed, reclaim, volume}
 *           volume <volume> parent: its head's layer         {armed, sizeBytes}
 *           point  <point>  parent: the layer it keeps       {volume}
 *           copy   <layer>  parent: the layer whose content it shows too
 *           upkeep <layer>  see `works.ts`
 */
import type { EngineMemory, EngineMemoryTx } from "../../domain/engine-memory.ts"
import { Refusal } from "../../domain/fault.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"
import type { LayerId } from "./layer-files.ts"
import { Works } from "./works.ts"

export type Layer = {
  id: LayerId
  parent: LayerId | null
  sizeBytes: number
  doomed: boolean
  /** It may hold clusters that nobody can reach any more: see `reclaim`. */
  reclaim: boolean
  /** Who wrote it; null where that is not known. */
  volume: VolumeId | null
}
export const freshLayer = (of: Pick<Layer, "id" | "parent" | "sizeBytes" | "volume">): Layer => ({
  ...of,
  doomed: false,
  reclaim: false,
})

/** `armed` is the overlay that an open disk was told to switch to next, or has switched to. */
export type Head = { volume: VolumeId; layer: LayerId; armed: LayerId | null; sizeBytes: number }
export type Point = { id: PointId; layer: LayerId; volume: VolumeId }

/** `later`: see `EngineMemory`. */
export const inTree = <T>(
  memory: EngineMemory,
  work: (tree: Tree) => Promise<T>,
  durable?: "later",
): Promise<T> => memory.transaction((tx) => work(new Tree(tx)), durable)

export function headThere(volume: VolumeId, head: Head | undefined): Head {
  if (head === undefined) throw new Refusal({ kind: "not-found", what: "volume", id: volume })
  return head
}
export class Tree {
  readonly #tx: EngineMemoryTx
  readonly works: Works

  constructor(tx: EngineMemoryTx) {
    this.#tx = tx
    this.works = new Works(tx)
  }

  async layer(id: LayerId): Promise<Layer | undefined> {
    const record = await this.#tx.get("layer", id)
    return record === undefined ? undefined : readLayer(record)
  }

  async head(volume: VolumeId): Promise<Head | undefined> {
    const record = await this.#tx.get("volume", volume)
    return record === undefined ? undefined : readHead(record)
  }

  async headOf(volume: VolumeId): Promise<Head> {
    return headThere(volume, await this.head(volume))
  }

  async point(id: PointId): Promise<Point | undefined> {
    const record = await this.#tx.get("point", id)
    return record === undefined ? undefined : readPoint(record)
  }

  /** The living layer of a point; a point that is not there is refused. */
  async layerOf(id: PointId): Promise<Layer> {
    const point = await this.point(id)
    if (point === undefined) throw new Refusal({ kind: "not-found", what: "point", id })
    return this.living(point.layer)
  }

  async living(id: LayerId): Promise<Layer> {
    const layer = await this.layer(id)
    if (layer === undefined || layer.doomed) throw new Error(`layer ${id} is not alive`)
    return layer
  }

  /** The layers a reader of this one needs, the lowest first. */
  async chain(top: LayerId): Promise<Layer[]> {
    const chain: Layer[] = []
    for (let id: LayerId | null = top; id !== null; ) {
      const layer = await this.living(id)
      chain.unshift(layer)
      id = layer.parent
    }
    return chain
  }

  async putLayer(layer: Layer): Promise<void> {
    const { id, parent, sizeBytes, doomed, reclaim, volume } = layer
    await this.#tx.put({ kind: "layer", id, parent, body: { sizeBytes, doomed, reclaim, volume } })
  }

  /** What was copied from a layer is not its equal any more once it may change again. */
  async putHead({ volume, layer, armed, sizeBytes }: Head): Promise<void> {
    await this.works.spoil(layer)
    for (const copy of await this.copiesOf(layer)) await this.removeCopy(copy)
    await this.#tx.put({ kind: "volume", id: volume, parent: layer, body: { armed, sizeBytes } })
  }

  async putPoint({ id, layer, volume }: Point): Promise<void> {
    await this.#tx.put({ kind: "point", id, parent: layer, body: { volume } })
  }

  removeHead(volume: VolumeId): Promise<void> {
    return this.#tx.remove("volume", volume)
  }
  removePoint(id: PointId): Promise<void> {
    return this.#tx.remove("point", id)
  }
  async removeLayer(id: LayerId): Promise<void> {
    await this.removeCopy(id)
    await this.#tx.remove("layer", id)
  }

  /**
   * The layer that shows what this skip layer shows, and has the finer history below it; null for
   * any other layer. Without a point on it, it may lack what those above it hold.
   */
  async equalTo(id: LayerId): Promise<LayerId | null> {
    const copy = await this.#tx.get("copy", id)
    if (copy === undefined) return null
    const original = copy.parent as LayerId
    return (await this.pointsOn(original)).length > 0 ? original : null
  }

  async putCopy(id: LayerId, of: LayerId): Promise<void> {
    await this.#tx.put({ kind: "copy", id, parent: of, body: {} })
  }

  removeCopy(id: LayerId): Promise<void> {
    return this.#tx.remove("copy", id)
  }

  async copiesOf(id: LayerId): Promise<LayerId[]> {
    return (await this.#tx.children("copy", id)).map((copy) => copy.id as LayerId)
  }

  async pointsOn(id: LayerId): Promise<Point[]> {
    return (await this.#tx.children("point", id)).map(readPoint)
  }
  async headsOn(id: LayerId): Promise<Head[]> {
    return (await this.#tx.children("volume", id)).map(readHead)
  }

  /** Who needs a layer, but for those that are on their way out themselves. */
  async needs(id: LayerId): Promise<{ heads: number; points: number; children: LayerId[] }> {
    const children = await this.#tx.children("layer", id)
    return {
      heads: (await this.#tx.children("volume", id)).length,
      points: (await this.#tx.children("point", id)).length,
      children: children.map(readLayer).flatMap(({ id, doomed }) => (doomed ? [] : [id])),
    }
  }

  /**
   * Dooms this layer if nothing needs it, and then those below it that it alone needed. What is
   * left below has fewer readers now, and its space is due.
   */
  async letGo(from: LayerId): Promise<LayerId[]> {
    const doomed: LayerId[] = []
    for (let id: LayerId | null = from; id !== null; ) {
      const layer = await this.layer(id)
      if (layer === undefined || layer.doomed) break
      const { heads, points, children } = await this.needs(id)
      if (heads + points + children.length > 0) {
        await this.makeDue(id)
        break
      }
      await this.putLayer({ ...layer, doomed: true })
      doomed.push(id)
      id = layer.parent
    }
    return doomed
  }

  /** Nameless layers, from this one downwards, may now hold what nobody can reach. */
  async makeDue(from: LayerId): Promise<void> {
    for (let id: LayerId | null = from; id !== null; ) {
      const layer: Layer | undefined = await this.layer(id)
      if (layer === undefined || layer.doomed) return
      const { heads, points } = await this.needs(id)
      if (heads + points > 0) return
      if (!layer.reclaim) await this.putLayer({ ...layer, reclaim: true })
      id = layer.parent
    }
  }

  /** Those layers whose space is due, the uppermost first, below the ones just doomed. */
  async dueBelow(from: LayerId): Promise<LayerId[]> {
    const due: LayerId[] = []
    for (let id: LayerId | null = from; id !== null; ) {
      const layer: Layer | undefined = await this.layer(id)
      if (layer === undefined || (!layer.doomed && !layer.reclaim)) break
      if (!layer.doomed) due.push(id)
      id = layer.parent
    }
    return due
  }

  /** An armed overlay whose switch nobody wants any more goes as a doomed layer does. */
  async disarm({ armed, layer, sizeBytes, volume }: Head): Promise<LayerId[]> {
    if (armed === null) return []
    const overlay = freshLayer({ id: armed, parent: layer, sizeBytes, volume })
    await this.putLayer({ ...overlay, doomed: true })
    return [armed]
  }

  async layers(): Promise<Layer[]> {
    return (await this.#tx.all("layer")).map(readLayer)
  }
  async heads(): Promise<Head[]> {
    return (await this.#tx.all("volume")).map(readHead)
  }
  async points(): Promise<Point[]> {
    return (await this.#tx.all("point")).map(readPoint)
  }
}

type Stored = { kind: string; id: string; parent: string | null; body: unknown }

function readLayer({ id, parent, body }: Stored): Layer {
  // Records of before have neither the flag nor the volume.
  const unknown = { reclaim: false, volume: null }
  const known = body as Pick<Layer, "sizeBytes" | "doomed"> & Partial<typeof unknown>
  return { id: id as LayerId, parent: parent as LayerId | null, ...unknown, ...known }
}

export function readHead({ id, parent, body }: Stored): Head {
  const { armed, sizeBytes } = body as Pick<Head, "armed" | "sizeBytes">
  return { volume: id as VolumeId, layer: parent as LayerId, armed, sizeBytes }
}

export function readPoint({ id, parent, body }: Stored): Point {
  const { volume } = body as Pick<Point, "volume">
  return { id: id as PointId, layer: parent as LayerId, volume }
}
