/** What points cost on disk: their layers' blocks, by who else needs them. */
import type { PointId } from "../../domain/ids.ts"
import type { Space } from "../engine.ts"
import type { LayerId } from "./layer-files.ts"
import type { Store } from "./store.ts"
import { inTree, type Tree } from "./tree.ts"

/** Points of a page mostly share their chains, so each layer is looked at once for all of them. */
export async function space(
  store: Store,
  points: readonly PointId[],
): Promise<Map<PointId, Space>> {
  const { chains, parents } = await inTree(store.memory, (tree) => chainsOf(tree, points))
  const held = new Map<LayerId, number>()
  const sizes = [...parents.keys()].map(async (id) => {
    // One that went since it was looked up holds nothing any more.
    held.set(id, await store.layers.bytes(id).catch(() => 0))
  })
  await Promise.all(sizes)
  const below = totals(parents, held)
  const spaces = new Map<PointId, Space>()
  for (const { point, top, own } of chains) {
    const exclusive = own.reduce((sum, id) => sum + (held.get(id) ?? 0), 0)
    const shared = (below.get(top) ?? 0) - exclusive
    // Removal frees whole layers, and exactly those that nothing else needs.
    spaces.set(point, { exclusive, shared, freedIfDeleted: exclusive })
  }
  return spaces
}

type Chain = { point: PointId; top: LayerId; own: LayerId[] }
type Parents = Map<LayerId, LayerId | null>

/** The layers that only one point needs, for each point, and every layer any of them stands on. */
async function chainsOf(
  tree: Tree,
  points: readonly PointId[],
): Promise<{ chains: Chain[]; parents: Parents }> {
  const parents: Parents = new Map()
  const chains: Chain[] = []
  for (const id of points) {
    const point = await tree.point(id)
    if (point === undefined) continue
    for (let at: LayerId | null = point.layer; at !== null && !parents.has(at); ) {
      const parent: LayerId | null = (await tree.living(at)).parent
      parents.set(at, parent)
      at = parent
    }
    chains.push({ point: id, top: point.layer, own: await goneWith(tree, point.layer, parents) })
  }
  return { chains, parents }
}

/** The layers, from the point's own downwards, that nothing but the point needs. */
async function goneWith(tree: Tree, top: LayerId, parents: Parents): Promise<LayerId[]> {
  const gone: LayerId[] = []
  for (let at: LayerId | null = top; at !== null; at = parents.get(at) ?? null) {
    const { heads, points, children } = await tree.needs(at)
    const mine =
      at === top ? points === 1 && children.length === 0 : points === 0 && children.length === 1
    if (heads > 0 || !mine) break
    gone.push(at)
  }
  return gone
}

/** Each layer's bytes and those of all layers below it. */
function totals(parents: Parents, held: ReadonlyMap<LayerId, number>): Map<LayerId, number> {
  const sums = new Map<LayerId, number>()
  for (const start of parents.keys()) {
    const path: LayerId[] = []
    let at: LayerId | null = start
    for (; at !== null && !sums.has(at); at = parents.get(at) ?? null) path.push(at)
    let sum = at === null ? 0 : (sums.get(at) ?? 0)
    for (const id of path.reverse()) {
      sum += held.get(id) ?? 0
      sums.set(id, sum)
    }
  }
  return sums
}
