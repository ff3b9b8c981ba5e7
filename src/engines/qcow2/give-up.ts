/** The end of upkeep that came to nothing: what it made goes, and its layers are looked at anew. */
import { removeFile } from "../../platform/files.ts"
import { partialPath } from "./consolidate.ts"
import type { Store } from "./store.ts"
import { inTree } from "./tree.ts"
import type { Work } from "./works.ts"

export async function giveUp(store: Store, work: Work): Promise<void> {
  const { layers, desk } = store
  const { id } = work
  desk.replaced.get(id)?.[Symbol.dispose]()
  desk.replaced.delete(id)
  await removeFile(partialPath(store, id))
  await layers.remove([id])
  await inTree(store.memory, async (tree) => {
    await tree.removeLayer(id)
    await tree.works.remove(id)
  })
  desk.lookAgain(work)
}
