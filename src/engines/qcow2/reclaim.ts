/**
 * Space comes back from a layer that stays. When the last point of a layer goes and others still
 * read through it, the clusters that all of those have over it are given back: holes are punched
 * where they lie, and nothing is copied.
 *
 * The order makes it safe. What covers them is durable: it was read from the files, and those are
 * synced after. The layer is marked as hollow, durably, and then come the holes. The flag that it
 * is due was set in the commit that made it so, and goes when all is done; until then it is tried
 * again. Doing it twice does no harm: holes stay holes, and what was out of reach remains so.
 */
import { setTimeout as sleep } from "node:timers/promises"
import type { Nbd } from "../../platform/nbd.ts"
import { Clusters } from "./clusters.ts"
import { bytesNodes } from "./graph.ts"
import { clusterBytes } from "./header.ts"
import type { LayerId } from "./layer-files.ts"
import type { LayerMap } from "./layer-map.ts"
import { type Cover, type Covered, growingAbove, Readers } from "./readers.ts"
import { makeSure } from "./shadow.ts"
import { serve } from "./storage-daemon.ts"
import { finishRemoval, type Store } from "./store.ts"
import { inTree, type Tree } from "./tree.ts"

/**
 * A guest's read may have passed a growing layer just before that held the cluster. A hole waits in
 * the kernel only for the reads that were submitted before it. QEMU has submitted this one by then:
 * it goes down the layers within one turn of its event loop, kept up at most by reading a table of
 * a lower layer that it has not in memory, and hands what it has gathered to the kernel at the end
 * of that turn. So what was seen covered this long ago, nobody is on the way to any more.
 */
const settleMs = 50

/** All that is due, from whatever was interrupted. */
export async function reclaimDue(store: Store): Promise<void> {
  const due = await inTree(store.memory, async (tree) =>
    (await tree.layers()).flatMap(({ id, reclaim, doomed }) => (reclaim && !doomed ? [id] : [])),
  )
  await reclaim(store, due)
}

/** What cannot be given back now stays due; that is no reason to fail whoever let go of it. */
export async function reclaim(store: Store, due: readonly LayerId[]): Promise<void> {
  for (const id of due) await store.reclaims.turn(() => reclaimLayer(store, id))
}

async function reclaimLayer(store: Store, id: LayerId): Promise<void> {
  const look = (tree: Tree) => pinnedCovered(store, tree, id)
  const { covered, pinned, open } = await inTree(store.memory, look)
  let settled = false
  let trouble: string | null = null
  try {
    if (!mustWait(store, covered)) {
      trouble = covered === null ? null : await hollowOutTwice(store, covered)
      settled = trouble === null && open.length === 0 && (await settle(store, id, covered))
    }
  } finally {
    pinned[Symbol.dispose]()
  }
  if (settled) await store.reclaims.done(id, growingAbove(covered?.above ?? []))
  else store.reclaims.again(id, trouble, open)
  await finishRemoval(store, [])
}

/**
 * Whoever lets go of one of these from now on leaves its file until we are done: a marker would
 * outlive its layer, and covers are to be read. Held within the transaction, so that none of them
 * is on its way out already.
 */
async function pinnedCovered({ pins }: Store, tree: Tree, id: LayerId) {
  // A transfer may still read a layer as the top of a point that is gone.
  const open: LayerId[] = []
  const isOpen = (layer: LayerId) => pins.has(layer) && open.push(layer) > 0
  const covered = await new Readers(tree, isOpen).covered(id)
  const pinned = pins.hold(covered === null ? [] : [id, ...coversIn(covered.above)])
  return { covered, pinned, open }
}

const coversIn = (above: readonly Cover[]): LayerId[] =>
  above.flatMap(({ id, above }) => [id, ...coversIn(above ?? [])])

/**
 * Only reads past the page cache are waited for by the kernel. Others are made by a thread that
 * may be late; under a layer that still grows one of them could come after the hole.
 */
const mustWait = ({ directIo }: Store, covered: Covered | null): boolean =>
  !directIo && growingAbove(covered?.above ?? []).length > 0

/** No longer due, unless what stands above has changed meanwhile. Nobody had any of it open. */
function settle(store: Store, id: LayerId, before: Covered | null): Promise<boolean> {
  return inTree(store.memory, async (tree) => {
    const layer = await tree.layer(id)
    if (layer === undefined || layer.doomed) return true
    const now = await new Readers(tree).covered(id)
    if (JSON.stringify(now) !== JSON.stringify(before)) return false
    if (layer.reclaim) await tree.putLayer({ ...layer, reclaim: false })
    return true
  })
}

/** That a daemon was ended under it once says nothing about the disk. */
const hollowOutTwice = async (store: Store, covered: Covered): Promise<string | null> =>
  (await hollowOut(store, covered)) && (await hollowOut(store, covered))

/** What stood in the way, in words; null when nothing did. */
async function hollowOut(store: Store, covered: Covered): Promise<string | null> {
  const { id, above } = covered
  const { layers, maps, shadows } = store
  try {
    const needless = await shadows.needless(covered)
    const settledAt = performance.now() + (growingAbove(above).length > 0 ? settleMs : 0)
    const before = await layers.hollow(id)
    const holes = before?.made ? needless.minus(before.clusters) : needless
    if (holes.isEmpty) return null
    await makeSure(store, above)
    const clusters = before === null ? holes : holes.union(before.clusters)
    await layers.markHollow(id, { clusters, made: false })
    const places = holesIn(holes, await maps.of(id, { frozen: true }))
    store.reclaims.makesHoles = await punch(store, id, places, settledAt)
    if (!store.reclaims.makesHoles) return "the file system makes no holes"
    await layers.markHollow(id, { clusters, made: true })
    return null
  } catch (cause) {
    return cause instanceof Error ? cause.message : String(cause)
  } finally {
    // Whoever stands on it shares less now.
    store.measured.forgetAll()
  }
}

type Hole = { offset: number; length: number }

/** Where the clusters lie in the file; neighbours there are one hole. */
function holesIn(clusters: Clusters, map: LayerMap): Hole[] {
  const places = new Clusters()
  for (const { first, count } of clusters.runs()) {
    for (let cluster = first; cluster < first + count; cluster++) {
      const offset = map.hostOffset(cluster)
      if (offset !== undefined) places.add(offset / clusterBytes)
    }
  }
  return [...places.runs()].map(({ first, count }) => ({
    offset: first * clusterBytes,
    length: count * clusterBytes,
  }))
}

const inFlight = 8
/** A request's length is 32 bits wide. */
const longestBytes = 2 ** 30

/**
 * Node has no fallocate(2), but QEMU has it: a TRIM of the file's bytes is a hole in the file,
 * where the file system makes any, and nothing where it does not. False if there is none then.
 */
async function punch(
  store: Store,
  id: LayerId,
  holes: readonly Hole[],
  notBefore: number,
): Promise<boolean> {
  return await serve(store, { ...bytesNodes(id), writable: true }, async ({ nbd }) => {
    await sleep(Math.max(0, notBefore - performance.now()))
    const waiting = holes.values()
    const puncher = async () => {
      for (const hole of waiting) await trim(nbd, hole)
    }
    await Promise.all(Array.from({ length: inFlight }, puncher))
    await nbd.flush()
    const [hole] = holes
    if (hole === undefined) return true
    const [found] = await nbd.extents(hole.offset, Math.min(hole.length, longestBytes))
    return found?.zero === true
  })
}

async function trim(nbd: Nbd, { offset, length }: Hole): Promise<void> {
  const end = Math.min(offset + length, nbd.sizeBytes)
  for (let at = offset; at < end; at += longestBytes) {
    await nbd.trim(at, Math.min(longestBytes, end - at))
  }
}
