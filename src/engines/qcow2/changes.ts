/**
 * Where two points may differ, from the layers' tables alone: what the layers hold that only one
 * of them stands on. Bytes are read only where both sides of a branch hold a cluster.
 */
import type { PointId } from "../../domain/ids.ts"
import type { Change } from "../engine.ts"
import { Clusters } from "./clusters.ts"
import { sameBytes } from "./compare.ts"
import { clusterBytes } from "./header.ts"
import type { LayerId } from "./layer-files.ts"
import { Path } from "./path.ts"
import { finishRemoval, type Store } from "./store.ts"
import { inTree, type Layer, type Tree } from "./tree.ts"

export async function changes(store: Store, from: PointId | null, to: PointId): Promise<Change[]> {
  const { old, now, pinned } = await inTree(store.memory, async (tree) => {
    const old = from === null ? [] : await history(tree, from)
    const now = await history(tree, to)
    return { old, now, pinned: store.pins.hold([...old, ...now].map(({ id }) => id)) }
  })
  try {
    const paths = { old: new Path(store.maps, old), now: new Path(store.maps, now) }
    const sizeBytes = now[0]?.sizeBytes ?? 0
    const { data, zero } =
      from === null ? await everything(paths.now) : await between(store, paths, sizeBytes)
    const found = [...extents(data, false, sizeBytes), ...extents(zero, true, sizeBytes)]
    return found.sort((a, b) => a.offset - b.offset)
  } finally {
    pinned[Symbol.dispose]()
    await finishRemoval(store, [])
  }
}

export function related(store: Store, one: PointId, other: PointId): Promise<boolean> {
  return inTree(store.memory, async (tree) => {
    const below = new Set((await history(tree, one)).map(({ id }) => id))
    return (await history(tree, other)).some(({ id }) => below.has(id))
  })
}

/**
 * The layers a point reads through, its own first. Where one is a copy of several others that are
 * still there, it is those: they tell what was written when, the copy does not.
 */
async function history(tree: Tree, point: PointId): Promise<Layer[]> {
  const layers: Layer[] = []
  for (let id: LayerId | null = (await tree.layerOf(point)).id; id !== null; ) {
    const layer: Layer = await tree.living(id)
    const original = await tree.equalTo(id)
    if (original === null) layers.push(layer)
    id = original ?? layer.parent
  }
  return layers
}

type Differing = { data: Clusters; zero: Clusters }

async function everything(now: Path): Promise<Differing> {
  const { data } = await now.find(await now.held())
  return { data, zero: new Clusters() }
}

async function between(
  store: Store,
  { old, now }: { old: Path; now: Path },
  sizeBytes: number,
): Promise<Differing> {
  const meet = now.layers.find(({ id }) => old.depthOf(id) !== undefined)
  const left = await old.held(meet && old.depthOf(meet.id))
  const right = await now.held(meet && now.depthOf(meet.id))
  const touched = left.union(right)
  const here = await now.find(touched)
  const zeroNow = touched.minus(here.data)
  const both = left.intersection(right)
  const there = await old.find(both.union(zeroNow))
  const neither = zeroNow.minus(there.data)
  const same = await sameBytes(store, both.minus(neither), { here, there, sizeBytes })
  return { data: here.data.minus(same), zero: zeroNow.minus(neither).minus(same) }
}

function* extents(clusters: Clusters, zero: boolean, sizeBytes: number): Generator<Change> {
  for (const { first, count } of clusters.runs()) {
    const offset = first * clusterBytes
    const end = Math.min(offset + count * clusterBytes, sizeBytes)
    if (end > offset) yield { offset, length: end - offset, zero }
  }
}
