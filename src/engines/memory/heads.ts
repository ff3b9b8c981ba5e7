/** Heads and points of closed volumes: each verb makes one empty layer and records it. */
import type { EngineMemoryTx } from "../../domain/engine-memory.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"
import type { Origin } from "../engine.ts"
import { checkVolumeSize } from "../volume-size.ts"
import { type Store, settled } from "./openers.ts"
import { head, headOf, point, pointOf, putHead, putPoint } from "./records.ts"
import { readTree } from "./tree.ts"
import { MemoryLayer } from "./world.ts"

export async function createHead({ memory, layers }: Store, volume: VolumeId, origin: Origin) {
  const { sizeBytes, point: from } = origin
  checkVolumeSize(sizeBytes)
  await memory.transaction(async (tx) => {
    if ((await head(tx, volume)) !== undefined) return
    const layer =
      from === undefined
        ? await layers.record(tx, { parent: null, volume, equals: null }, blank(sizeBytes))
        : await layers.make(tx, { parent: (await pointOf(tx, from)).layer, volume, sizeBytes })
    await putHead(tx, { volume, layer, armed: null, sizeBytes })
  })
}

const blank = (sizeBytes: number) => new MemoryLayer(null, sizeBytes)

/** What is there is frozen, nameless, below a larger layer. */
export async function growHead(store: Store, volume: VolumeId, sizeBytes: number): Promise<void> {
  const { memory, layers } = store
  checkVolumeSize(sizeBytes)
  await settled(store, volume)
  const old = await memory.transaction(async (tx) => {
    const now = await headOf(tx, volume)
    if (sizeBytes === now.sizeBytes) return null
    const layer = await layers.make(tx, { parent: now.layer, volume, sizeBytes })
    await putHead(tx, { volume, layer, armed: null, sizeBytes })
    return now.layer
  })
  if (old !== null) layers.get(old).frozen = true
}

export async function dropHead({ memory, layers }: Store, volume: VolumeId): Promise<void> {
  const due = await memory.transaction(async (tx) => {
    const found = await head(tx, volume)
    await tx.remove("volume", volume)
    return pathOf(tx, found?.layer)
  })
  await layers.sweep(due)
}

export async function createPoint(store: Store, volume: VolumeId, id: PointId): Promise<void> {
  await keepHead(store, volume, { keep: id, to: null })
}

export async function revertHead(store: Store, volume: VolumeId, to: PointId, keep: PointId) {
  await keepHead(store, volume, { keep, to })
}

/** What the head holds is a point, and the head stands on it, or on another one. */
async function keepHead(
  store: Store,
  volume: VolumeId,
  { keep, to }: { keep: PointId; to: PointId | null },
): Promise<void> {
  const { memory, layers } = store
  const isKept = () => memory.transaction(async (tx) => (await point(tx, keep)) !== undefined)
  if (await isKept()) return
  await settled(store, volume)
  const old = await memory.transaction(async (tx) => {
    const now = await headOf(tx, volume)
    const parent = to === null ? now.layer : (await pointOf(tx, to)).layer
    const layer = await layers.make(tx, { parent, volume, sizeBytes: now.sizeBytes })
    await putPoint(tx, { id: keep, layer: now.layer, volume })
    await putHead(tx, { ...now, layer, armed: null })
    return now.layer
  })
  layers.get(old).frozen = true
}

export async function unrevertHead(store: Store, volume: VolumeId, keep: PointId): Promise<void> {
  const { memory, layers } = store
  if ((await memory.transaction((tx) => point(tx, keep))) === undefined) return
  await settled(store, volume)
  const due = await memory.transaction(async (tx) => {
    const kept = await point(tx, keep)
    if (kept === undefined) return []
    const { sizeBytes } = await headOf(tx, volume)
    const layer = await layers.make(tx, { parent: kept.layer, volume, sizeBytes })
    await tx.remove("point", keep)
    await putHead(tx, { volume, layer, armed: null, sizeBytes })
    return pathOf(tx, kept.layer)
  })
  await layers.sweep(due)
}

export async function dropPoint({ memory, layers }: Store, id: PointId): Promise<void> {
  const due = await memory.transaction(async (tx) => {
    const found = await point(tx, id)
    await tx.remove("point", id)
    return pathOf(tx, found?.layer)
  })
  await layers.sweep(due)
}

async function pathOf(tx: EngineMemoryTx, top: string | undefined): Promise<string[]> {
  if (top === undefined) return []
  return (await readTree(tx)).path(top).map(({ id }) => id)
}
