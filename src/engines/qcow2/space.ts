/** What a point costs on disk: its layers' blocks, by who else needs them. */
import type { PointId } from "../../domain/ids.ts"
import type { LayerId } from "./layer-files.ts"
import type { Store } from "./store.ts"
import { inTree, type Tree } from "./tree.ts"

export async function space(store: Store, point: PointId) {
  const { own, others } = await inTree(store.memory, async (tree) => {
    const { id } = await tree.layerOf(point)
    const chain = (await tree.chain(id)).map((layer) => layer.id).reverse()
    const count = await goneWith(tree, chain)
    return { own: chain.slice(0, count), others: chain.slice(count) }
  })
  const [exclusive, shared] = await Promise.all([sum(store, own), sum(store, others)])
  // Removal frees whole layers, and exactly those that nothing else needs.
  return { exclusive, shared, freedIfDeleted: exclusive }
}

/** How many layers, from the point's own downwards, nothing but the point needs. */
async function goneWith(tree: Tree, chain: readonly LayerId[]): Promise<number> {
  for (const [index, id] of chain.entries()) {
    const { heads, points, children } = await tree.needs(id)
    const mine = index === 0 ? points === 1 && children.length === 0 : onlyChild(points, children)
    if (heads > 0 || !mine) return index
  }
  return chain.length
}

const onlyChild = (points: number, children: readonly LayerId[]) =>
  points === 0 && children.length === 1

async function sum({ layers }: Store, ids: readonly LayerId[]): Promise<number> {
  const bytes = await Promise.all(ids.map((id) => layers.bytes(id)))
  return bytes.reduce((total, one) => total + one, 0)
}
