/** Layers that can give back more than they could when they were last asked, as upkeep. */
import type { Upkeep } from "../engine.ts"
import type { LayerId } from "./layer-files.ts"
import { readerOf } from "./planned.ts"
import { reclaim } from "./reclaim.ts"
import type { Store } from "./store.ts"
import { inTree } from "./tree.ts"

const prefix = "reclaim-"

/** Costs next to nothing where nothing has changed. */
export async function reclaimable(store: Store): Promise<Upkeep[]> {
  const works: Upkeep[] = []
  for (const layer of await store.reclaims.ripe()) {
    const volume = await inTree(store.memory, (tree) => readerOf(tree, layer))
    if (volume === null) store.reclaims.forget(layer)
    else works.push({ id: prefix + layer, volume, what: "giving back overwritten space", bytes: 0 })
  }
  return works
}

/** False for work of another kind. */
export async function reclaimAgain(store: Store, work: Upkeep["id"]): Promise<boolean> {
  if (!work.startsWith(prefix)) return false
  const layer = work.slice(prefix.length) as LayerId
  const due = await inTree(store.memory, async (tree) => {
    await tree.makeDue(layer)
    return new Set([layer, ...(await tree.dueBelow(layer))])
  })
  await reclaim(store, [...due])
  return true
}
