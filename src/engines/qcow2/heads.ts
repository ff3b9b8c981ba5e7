/** Heads and points of closed volumes: each verb makes one empty layer, then commits once. */
import { Refusal } from "../../domain/fault.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"
import type { Origin } from "../engine.ts"
import { checkVolumeSize, expectRoomFor } from "../volume-size.ts"
import type { LayerId } from "./layer-files.ts"
import { headNow, pointNow } from "./now.ts"
import { expectSame, settledHead } from "./openers.ts"
import { reclaim } from "./reclaim.ts"
import { finishRemoval, type Store } from "./store.ts"
import { freshLayer, inTree, type Tree } from "./tree.ts"

export async function createHead(store: Store, volume: VolumeId, origin: Origin): Promise<void> {
  const { memory, layers } = store
  const { sizeBytes, point } = origin
  checkVolumeSize(sizeBytes)
  const start = await inTree(memory, async (tree) => {
    if ((await tree.head(volume)) !== undefined) return null
    return { parent: await standOn(tree, point, sizeBytes) }
  })
  if (start === null) return
  await layers.make({ parent: start.parent, sizeBytes }, (layer) =>
    inTree(
      memory,
      async (tree) => {
        if ((await tree.head(volume)) !== undefined) throw taken(volume)
        // The point may have gone while the layer was made, and its layer with it.
        const parent = await standOn(tree, point, sizeBytes)
        await tree.putLayer(freshLayer({ id: layer, parent, sizeBytes, volume }))
        await tree.putHead({ volume, layer, armed: null, sizeBytes })
      },
      "later",
    ),
  )
}

async function standOn(tree: Tree, point: PointId | undefined, sizeBytes: number) {
  if (point === undefined) return null
  const layer = await tree.layerOf(point)
  expectRoomFor(layer.sizeBytes, sizeBytes)
  return layer.id
}

const taken = (volume: VolumeId) =>
  new Refusal({
    kind: "wrong-state",
    what: "volume",
    id: volume,
    is: "being made by somebody else",
    needs: ["absent"],
  })

export async function dropHead(store: Store, volume: VolumeId): Promise<void> {
  const { doomed, due } = await inTree(store.memory, async (tree) => {
    const head = await tree.head(volume)
    if (head === undefined) return nothing
    await tree.removeHead(volume)
    const doomed = [...(await tree.disarm(head)), ...(await tree.letGo(head.layer))]
    return { doomed, due: await tree.dueBelow(head.layer) }
  })
  await finishRemoval(store, doomed)
  await reclaim(store, due)
}

export async function createPoint(store: Store, volume: VolumeId, point: PointId): Promise<void> {
  const { memory, layers } = store
  if ((await pointNow(memory, point)) !== undefined) return
  const found = await headNow(memory, volume)
  // What is not there is refused in there; nothing else comes between, or it does not match.
  const head = found?.armed === null ? found : await settledHead(store, volume)
  await layers.settle(head.layer)
  await layers.make({ parent: head.layer, sizeBytes: head.sizeBytes }, (layer) =>
    inTree(
      memory,
      async (tree) => {
        expectSame(head, await tree.headOf(volume))
        const { layer: parent, sizeBytes } = head
        await tree.putLayer(freshLayer({ id: layer, parent, sizeBytes, volume }))
        await tree.putHead({ ...head, layer })
        await tree.putPoint({ id: point, layer: parent, volume })
      },
      "later",
    ),
  )
}

export async function dropPoint(store: Store, point: PointId): Promise<void> {
  const { doomed, due } = await inTree(store.memory, async (tree) => {
    const kept = await tree.point(point)
    if (kept === undefined) return nothing
    await tree.removePoint(point)
    const doomed = await tree.letGo(kept.layer)
    return { doomed, due: await tree.dueBelow(kept.layer) }
  })
  await finishRemoval(store, doomed)
  await reclaim(store, due)
}

const nothing: { doomed: LayerId[]; due: LayerId[] } = { doomed: [], due: [] }

export async function revertHead(
  store: Store,
  volume: VolumeId,
  to: PointId,
  keep: PointId,
): Promise<void> {
  const { memory, layers } = store
  if (await inTree(memory, async (tree) => (await tree.point(keep)) !== undefined)) return
  const head = await settledHead(store, volume)
  const { sizeBytes } = head
  const parent = await inTree(memory, (tree) => standOn(tree, to, sizeBytes))
  await layers.settle(head.layer)
  await layers.make({ parent, sizeBytes }, (layer) =>
    inTree(memory, async (tree) => {
      expectSame(head, await tree.headOf(volume))
      await tree.layerOf(to)
      await tree.putLayer(freshLayer({ id: layer, parent, sizeBytes, volume }))
      await tree.putPoint({ id: keep, layer: head.layer, volume })
      await tree.putHead({ ...head, layer })
    }),
  )
}

/**
 * The kept layer becomes the head again and may change again, unless somebody else has come to
 * stand on it or to name it since, or the volume has grown: then the head stands on it as on any
 * other point.
 */
export async function unrevertHead(store: Store, volume: VolumeId, keep: PointId): Promise<void> {
  const { shared } = store.steady
  const left = await shared(() => takenBack(store, volume, keep))
  await finishRemoval(store, left.doomed)
  await reclaim(store, left.due)
}

async function takenBack(store: Store, volume: VolumeId, keep: PointId): Promise<typeof nothing> {
  const kept = await inTree(store.memory, async (tree) => {
    const point = await tree.point(keep)
    if (point === undefined) return null
    const { sizeBytes } = await tree.headOf(volume)
    const { sizeBytes: keptBytes } = await tree.living(point.layer)
    const alone = keptBytes === sizeBytes && (await isAlone(tree, point.layer))
    return { parent: point.layer, alone, sizeBytes }
  })
  if (kept === null) return nothing
  const putBack = (layer: LayerId, alone: boolean) =>
    inTree(store.memory, async (tree) => {
      if (alone && !(await isAlone(tree, layer))) return "not alone any more"
      const head = await tree.headOf(volume)
      const { parent, sizeBytes } = kept
      if (!alone) await tree.putLayer(freshLayer({ id: layer, parent, sizeBytes, volume }))
      await tree.removePoint(keep)
      await tree.putHead({ ...head, layer, armed: null })
      if (!alone) await tree.makeDue(kept.parent)
      const doomed = [...(await tree.disarm(head)), ...(await tree.letGo(head.layer))]
      const due = [...(await tree.dueBelow(head.layer)), ...(await tree.dueBelow(parent))]
      return { doomed, due: [...new Set(due)] }
    })
  const left = kept.alone
    ? await putBack(kept.parent, true)
    : await store.layers.make(kept, (layer) => putBack(layer, false))
  if (left === "not alone any more") return await takenBack(store, volume, keep)
  if (kept.alone) store.shadows.forget(kept.parent)
  return left
}

async function isAlone(tree: Tree, layer: LayerId): Promise<boolean> {
  const { heads, points, children } = await tree.needs(layer)
  return heads + children.length === 0 && points === 1
}
