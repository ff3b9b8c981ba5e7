/**
 * The engine's memory made anew from the files, for when the ledger is lost: each layer names the
 * one below it in its header, which is otherwise never believed. A layer that nothing stands on
 * becomes the head of a volume, one that something stands on a point of it. Names are gone; bytes
 * are not.
 *
 * A hollow layer has no name to lose: it is there for those above it alone, and without any it can
 * go. A layer above one counts as a point only if it shows all of what the holes once held, which
 * one that cannot be read does not. What begun upkeep had half made is no layer yet.
 */
import { newId, type PointId, type VolumeId } from "../../domain/ids.ts"
import type { Salvage } from "../engine.ts"
import { Clusters } from "./clusters.ts"
import type { Header } from "./header.ts"
import { type LayerId, layerNamed } from "./layer-files.ts"
import { readLayerMap } from "./layer-map.ts"
import type { Store } from "./store.ts"
import { freshLayer, inTree, type Tree } from "./tree.ts"

type Found = { id: LayerId; parent: LayerId | null; sizeBytes: number; hollow: boolean }
/** `whole`: whoever reads it sees what was once seen there. */
type Layer = Found & { whole: boolean }

export async function salvage(store: Store): Promise<Salvage> {
  const layers = await readable(store)
  const bases = new Set(layers.map(({ parent }) => parent))
  const found: Salvage = { volumes: [], points: [] }
  await inTree(store.memory, async (tree) => {
    if ((await tree.layers()).length > 0) throw new Error("this memory has lost nothing")
    for (const { id, parent, sizeBytes } of layers) {
      await tree.putLayer(freshLayer({ id, parent, sizeBytes, volume: null }))
    }
    const points = new Map<LayerId, PointId>()
    for (const { id, parent, sizeBytes } of layers.filter((layer) => !bases.has(layer.id))) {
      const volume = newId<"volume">()
      await tree.putHead({ volume, layer: id, armed: null, sizeBytes })
      found.volumes.push({ id: volume, sizeBytes })
      await keepBelow(tree, { volume, parent, layers, points, found })
    }
  })
  return found
}

/** Files that are layers of ours, and whose whole chain is there. */
async function readable(store: Store): Promise<Layer[]> {
  const { layers } = store
  const found = new Map<LayerId, Found>()
  for (const name of await layers.directory.names()) {
    const id = layerNamed(name)
    const header = id && (await layers.header(id).catch((): Header | null => null))
    if (!id || !header) continue
    const { backingName, sizeBytes } = header
    const parent = backingName === null ? null : layerNamed(backingName)
    const hollow = await layers.isHollow(id)
    if (parent !== undefined) found.set(id, { id, parent, sizeBytes, hollow })
  }
  const whole = (layer: Found | undefined): boolean =>
    layer !== undefined && (layer.parent === null || whole(found.get(layer.parent)))
  const needed = withoutNeedless([...found.values()].filter(whole))
  const missing = new Map<LayerId, Promise<Clusters>>()
  return await Promise.all(
    needed.map(async (layer) => {
      const lacks = await missingIn(store, layer, found, missing).catch(() => null)
      return { ...layer, whole: !layer.hollow && lacks !== null && lacks.isEmpty }
    }),
  )
}

/** What lies in holes for whoever reads this layer. */
function missingIn(
  store: Store,
  { id, parent, hollow }: Found,
  found: ReadonlyMap<LayerId, Found>,
  known: Map<LayerId, Promise<Clusters>>,
): Promise<Clusters> {
  const work = async () => {
    const base = parent === null ? undefined : found.get(parent)
    const below = base && (await missingIn(store, base, found, known))
    const holes = hollow ? await holesOf(store, id) : new Clusters()
    if (below === undefined || below.isEmpty) return holes
    const { data, zero } = await readLayerMap(store.layers.path(id))
    return below.minus(data).minus(zero).union(holes)
  }
  const missing = known.get(id) ?? work()
  known.set(id, missing)
  return missing
}

async function holesOf({ layers }: Store, id: LayerId): Promise<Clusters> {
  const hollow = await layers.hollow(id)
  if (hollow?.made) return hollow.clusters
  return (await readLayerMap(layers.path(id))).data
}

/** A hollow layer that nothing stands on shows nothing whole to anyone. */
function withoutNeedless(layers: readonly Found[]): Found[] {
  const bases = new Set(layers.map(({ parent }) => parent))
  const needed = layers.filter(({ id, hollow }) => !hollow || bases.has(id))
  return needed.length < layers.length ? withoutNeedless(needed) : needed
}

/** Points for the layers below a head, down to those that another head's walk has named. */
async function keepBelow(
  tree: Tree,
  walk: {
    volume: VolumeId
    parent: LayerId | null
    layers: readonly Layer[]
    points: Map<LayerId, PointId>
    found: Salvage
  },
): Promise<void> {
  const { volume, layers, points, found } = walk
  const byId = new Map(layers.map((layer) => [layer.id, layer]))
  let above: Salvage["points"][number] | null = null
  for (let at = byId.get(walk.parent as LayerId); at; at = byId.get(at.parent as LayerId)) {
    if (!at.whole) continue
    const known = points.get(at.id)
    if (above !== null) above.parent = known ?? null
    if (known !== undefined) return
    const point = newId<"point">()
    points.set(at.id, point)
    await tree.putPoint({ id: point, layer: at.id, volume })
    const kept = { id: point, volume, parent: null, sizeBytes: at.sizeBytes }
    if (above !== null) above.parent = point
    found.points.push(kept)
    above = kept
  }
}
