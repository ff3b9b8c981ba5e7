/**
 * The engine's memory made anew from the files, for when the ledger is lost: each layer names the
 * one below it in its header, which is otherwise never believed. A layer that nothing stands on
 * becomes the head of a volume, one that something stands on a point of it. Names are gone; bytes
 * are not.
 */
import { newId, type PointId, type VolumeId } from "../../domain/ids.ts"
import type { Salvage } from "../engine.ts"
import type { Header } from "./header.ts"
import { type LayerId, layerNamed } from "./layer-files.ts"
import type { Store } from "./store.ts"
import { inTree, type Tree } from "./tree.ts"

type Found = { id: LayerId; parent: LayerId | null; sizeBytes: number }

export async function salvage(store: Store): Promise<Salvage> {
  const layers = await readable(store)
  const bases = new Set(layers.map(({ parent }) => parent))
  const found: Salvage = { volumes: [], points: [] }
  await inTree(store.memory, async (tree) => {
    if ((await tree.layers()).length > 0) throw new Error("this memory has lost nothing")
    for (const layer of layers) await tree.putLayer({ ...layer, doomed: false })
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
async function readable({ layers }: Store): Promise<Found[]> {
  const found = new Map<LayerId, Found>()
  for (const name of await layers.directory.names()) {
    const id = layerNamed(name)
    const header = id && (await layers.header(id).catch((): Header | null => null))
    if (!id || !header) continue
    const { backingName, sizeBytes } = header
    const parent = backingName === null ? null : layerNamed(backingName)
    if (parent !== undefined) found.set(id, { id, parent, sizeBytes })
  }
  const whole = (layer: Found | undefined): boolean =>
    layer !== undefined && (layer.parent === null || whole(found.get(layer.parent)))
  return [...found.values()].filter(whole)
}

/** Points for the layers below a head, down to those that another head's walk has named. */
async function keepBelow(
  tree: Tree,
  walk: {
    volume: VolumeId
    parent: LayerId | null
    layers: readonly Found[]
    points: Map<LayerId, PointId>
    found: Salvage
  },
): Promise<void> {
  const { volume, layers, points, found } = walk
  const byId = new Map(layers.map((layer) => [layer.id, layer]))
  let above: Salvage["points"][number] | null = null
  for (let at = byId.get(walk.parent as LayerId); at; at = byId.get(at.parent as LayerId)) {
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
