/**
 * What a crash can leave over, and its end: storage daemons of a dead server, images in the
 * spool, files half made, layers doomed but not gone, and empty layers that were never recorded.
 * A layer that holds data and that no record knows is left alone: it may be all that is left of
 * something, and `examine` tells of it.
 */
import { partialSuffix, removeFile } from "../../platform/files.ts"
import { MalformedHeader } from "./header.ts"
import { type LayerFiles, type LayerId, layerNamed } from "./layer-files.ts"
import { endLeftovers } from "./storage-daemon.ts"
import { finishRemoval, type Store } from "./store.ts"
import { inTree, type Tree } from "./tree.ts"

export async function recover(store: Store): Promise<void> {
  const { memory, layers, spool } = store
  await endLeftovers(store)
  for (const name of await spool.names()) await removeFile(spool.file(name))
  const { doomed, known } = await inTree(memory, async (tree) => ({
    doomed: (await tree.layers()).flatMap(({ id, doomed }) => (doomed ? [id] : [])),
    known: await recorded(tree),
  }))
  await finishRemoval(store, doomed)
  for (const name of await layers.directory.names()) {
    const id = layerNamed(name)
    if (name.endsWith(partialSuffix)) await removeFile(layers.directory.file(name))
    else if (id !== undefined && !known.has(id) && (await isUnused(layers, id))) {
      await layers.remove([id])
    }
  }
}

/** Every layer that some record names. */
export async function recorded(tree: Tree): Promise<Set<LayerId>> {
  const ids = (await tree.layers()).map(({ id }) => id)
  const armed = (await tree.heads()).flatMap((head) => (head.armed === null ? [] : [head.armed]))
  return new Set([...ids, ...armed])
}

/** Made, but never handed to anyone who would have written into it. */
export async function isUnused(layers: LayerFiles, id: LayerId): Promise<boolean> {
  try {
    return await layers.isEmpty(id)
  } catch (cause) {
    if (cause instanceof MalformedHeader) return false
    throw cause
  }
}
