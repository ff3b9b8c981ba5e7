/**
 * Who the bytes on disk are charged to: each layer to the volume that wrote it, as long as that or
 * a point of it exists; after that to one of those who read it. Nothing is charged twice.
 */
import type { VolumeId } from "../../domain/ids.ts"
import type { LayerId } from "./layer-files.ts"
import type { Store } from "./store.ts"
import { type Head, inTree, type Layer, type Point } from "./tree.ts"

export async function usage(store: Store): Promise<Map<VolumeId, number>> {
  const { layers, heads, points } = await inTree(store.memory, async (tree) => ({
    layers: await tree.layers(),
    heads: await tree.heads(),
    points: await tree.points(),
  }))
  const charged = new Map<VolumeId, number>()
  const charge = async (id: LayerId, volume: VolumeId) => {
    // One that went since it was looked up holds nothing any more.
    const bytes = await store.layers.bytes(id).catch(() => 0)
    charged.set(volume, (charged.get(volume) ?? 0) + bytes)
  }
  const payers = payersOf(layers, heads, points)
  await Promise.all([
    ...[...payers].map(([id, volume]) => charge(id, volume)),
    ...heads.flatMap(({ armed, volume }) => (armed === null ? [] : [charge(armed, volume)])),
  ])
  return charged
}

function payersOf(
  layers: readonly Layer[],
  heads: readonly Head[],
  points: readonly Point[],
): Map<LayerId, VolumeId> {
  const alive = new Set([...heads, ...points].map(({ volume }) => volume))
  const byId = new Map(layers.map((layer) => [layer.id, layer]))
  const payers = new Map<LayerId, VolumeId>()
  // Each path is followed down to where an earlier one has been, so every layer is met once.
  for (const { layer, volume: reader } of [...heads, ...points]) {
    for (let at = byId.get(layer); at && !payers.has(at.id); at = byId.get(at.parent as LayerId)) {
      payers.set(at.id, at.volume !== null && alive.has(at.volume) ? at.volume : reader)
    }
  }
  return payers
}
