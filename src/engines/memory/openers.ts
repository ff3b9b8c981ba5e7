/** The disk of a process that has the volume open: what it opens, and how it moves on. */
import type { DiskGraph, DiskSwitch } from "../../domain/disk.ts"
import type { EngineMemory } from "../../domain/engine-memory.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"
import type { Layers } from "./layers.ts"
import { nodeOf } from "./nodes.ts"
import { type Head, headOf, point, putHead, putPoint } from "./records.ts"
import { readTree } from "./tree.ts"

export type Store = { memory: EngineMemory; layers: Layers }

export async function open(store: Store, volume: VolumeId): Promise<DiskGraph & Disposable> {
  await settled(store, volume)
  return await store.memory.transaction(async (tx) => {
    const { layer, sizeBytes } = await headOf(tx, volume)
    const tree = await readTree(tx)
    store.layers.align(tree, layer)
    const path = tree.path(layer).reverse()
    const nodes = path.map(({ id }) => nodeOf(id, store.layers.get(id)))
    return Object.assign(store.layers.pin(tree, layer), { volume, nodes, top: layer, sizeBytes })
  })
}

export async function arm({ memory, layers }: Store, volume: VolumeId): Promise<DiskSwitch> {
  return await memory.transaction(async (tx) => {
    const now = await headOf(tx, volume)
    if (now.armed !== null) return diskSwitch(layers, now, now.armed)
    const { layer: parent, sizeBytes } = now
    const overlay = await layers.make(tx, { parent, volume, sizeBytes })
    await putHead(tx, { ...now, armed: overlay })
    return diskSwitch(layers, now, overlay)
  })
}

function diskSwitch(layers: Layers, { volume, layer }: Head, overlay: string): DiskSwitch {
  const apply = () => {
    layers.get(layer).frozen = true
  }
  return {
    volume,
    from: layer,
    to: overlay,
    nodes: [nodeOf(overlay, layers.get(overlay))],
    actions: [{ type: "memory-snapshot", data: { apply } }],
  }
}

export async function switched(
  { memory }: Store,
  volumes: readonly { volume: VolumeId; point: PointId | null }[],
): Promise<void> {
  await memory.transaction(async (tx) => {
    for (const { volume, point: id } of volumes) {
      if (id !== null && (await point(tx, id)) !== undefined) continue
      const { layer, armed, sizeBytes } = await headOf(tx, volume)
      if (armed === null && id === null) continue
      if (armed === null) throw new Error(`volume ${volume} was not armed`)
      if (id !== null) await putPoint(tx, { id, layer, volume })
      await putHead(tx, { volume, layer: armed, armed: null, sizeBytes })
    }
  })
}

/** The recovery rule: an armed overlay that holds something was switched to; an empty one goes. */
export async function settled({ memory, layers }: Store, volume: VolumeId): Promise<void> {
  const wasArmed = await memory.transaction(async (tx) => {
    const now = await headOf(tx, volume)
    if (now.armed === null) return false
    const empty = layers.get(now.armed).isEmpty
    await putHead(tx, { ...now, layer: empty ? now.layer : now.armed, armed: null })
    if (empty) layers.get(now.layer).frozen = false
    return true
  })
  if (wasArmed) await layers.sweep()
}
