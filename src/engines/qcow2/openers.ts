/**
 * The disk of a process that has the volume open: what it opens, and how it moves to a new layer
 * while it writes.
 *
 * **Arm, switch, record.** Arm: the next overlay is made, durably, and recorded as armed before
 * anyone hears of it. Switch: the process puts it on top of the open disk, in no time, and from
 * then on the old head never changes. Record: the overlay is the head, the old head a point.
 *
 * **Recovery.** When the process is proven dead and the volume is armed, nobody may know whether
 * the switch happened; it need not be known. An overlay that holds something must have been
 * switched to: it becomes the head, and no acknowledged write is lost. An empty one can go.
 */
import type { DiskGraph, DiskSwitch } from "../../domain/disk.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"
import { chainNodes, diskNode, overlayNodes } from "./graph.ts"
import { headNow } from "./now.ts"
import { finishRemoval, type Store } from "./store.ts"
import { freshLayer, type Head, headThere, inTree, type Tree } from "./tree.ts"

export async function open(store: Store, volume: VolumeId): Promise<DiskGraph & Disposable> {
  const { layer, sizeBytes } = await settledHead(store, volume)
  const chain = await inTree(store.memory, (tree) => tree.chain(layer))
  store.layers.handedOut(layer)
  const pinned = store.pins.hold(
    chain.map(({ id }) => id),
    { opening: true },
  )
  const nodes = chainNodes(chain, { directIo: store.directIo, writable: true })
  return { volume, nodes, top: diskNode(layer), sizeBytes, ...pinned }
}

export async function arm(store: Store, volume: VolumeId): Promise<DiskSwitch> {
  const { memory, layers } = store
  const head = headThere(volume, await headNow(memory, volume))
  if (head.armed !== null) return diskSwitch(store, head, head.armed)
  const { layer, sizeBytes } = head
  return await layers.make({ parent: layer, sizeBytes }, async (overlay) => {
    await inTree(memory, async (tree) => {
      expectSame(head, await tree.headOf(volume))
      await tree.putHead({ ...head, armed: overlay })
    })
    return diskSwitch(store, head, overlay)
  })
}

function diskSwitch(store: Store, { volume, layer }: Head, overlay: Head["layer"]): DiskSwitch {
  store.layers.handedOut(overlay)
  const [from, to] = [diskNode(layer), diskNode(overlay)]
  return {
    volume,
    from,
    to,
    nodes: overlayNodes(overlay, store.directIo),
    actions: [{ type: "blockdev-snapshot", data: { node: from, overlay: to } }],
  }
}

export async function switched(
  store: Store,
  volumes: readonly { volume: VolumeId; point: PointId | null }[],
): Promise<void> {
  const record = async (tree: Tree) => {
    for (const { volume, point } of volumes) {
      if (point !== null && (await tree.point(point)) !== undefined) continue
      const head = await tree.headOf(volume)
      if (head.armed === null) {
        if (point === null) continue
        throw new Error(`volume ${volume} was not armed, so it cannot have been switched`)
      }
      if (point !== null) await tree.putPoint({ id: point, layer: head.layer, volume })
      const { armed, layer: parent, sizeBytes } = head
      await tree.putLayer(freshLayer({ id: armed, parent, sizeBytes, volume }))
      await tree.putHead({ ...head, layer: head.armed, armed: null })
    }
  }
  // That the overlay is armed was durable before: with the power the process is gone as well, and
  // the recovery rule finds what it wrote there.
  await inTree(store.memory, record, "later")
}

/** The head of a volume that no process has open, after the recovery rule was applied. */
export async function settledHead(store: Store, volume: VolumeId): Promise<Head> {
  const head = headThere(volume, await headNow(store.memory, volume))
  if (head.armed === null) return head
  const overlay = head.armed
  const empty = await store.layers.isEmpty(overlay)
  const { settled, doomed } = await inTree(store.memory, async (tree) => {
    expectSame(head, await tree.headOf(volume))
    const settled: Head = { ...head, layer: empty ? head.layer : overlay, armed: null }
    await tree.putHead(settled)
    if (empty) return { settled, doomed: await tree.disarm(head) }
    const { layer: parent, sizeBytes } = head
    await tree.putLayer(freshLayer({ id: overlay, parent, sizeBytes, volume }))
    return { settled, doomed: [] }
  })
  await finishRemoval(store, doomed)
  return settled
}

/** One operation at a time works on a volume; two of them here are a bug that must not pass. */
export function expectSame(before: Head, now: Head): void {
  if (before.layer !== now.layer || before.armed !== now.armed) {
    throw new Error(`the head of volume ${now.volume} moved while it was worked on`)
  }
}
