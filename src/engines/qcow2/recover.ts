/**
 * What a crash can leave over, and its end: storage daemons of a dead server, images in the
 * spool, files half made, layers doomed but not gone, and empty layers that were never recorded.
 * What begun upkeep has made so far, or has replaced and not yet finished with, stays. A layer
 * that holds data and that no record knows is left alone: it may be all that is left of something,
 * and `examine` tells of it.
 */
import { partialSuffix, removeFile } from "../../platform/files.ts"
import { MalformedHeader } from "./header.ts"
import { hollowNamed, type LayerFiles, type LayerId, layerFile, layerNamed } from "./layer-files.ts"
import { reclaimDue } from "./reclaim.ts"
import { endLeftovers } from "./storage-daemon.ts"
import { finishRemoval, type Store } from "./store.ts"
import { inTree, type Tree } from "./tree.ts"
import { takeUp } from "./upkeep.ts"

export async function recover(store: Store): Promise<void> {
  const { memory, layers, spool } = store
  await endLeftovers(store)
  for (const name of await spool.names()) await removeFile(spool.file(name))
  await takeUp(store)
  const { doomed, known, begun } = await inTree(memory, async (tree) => {
    const begun = await tree.works.all()
    const kept = new Set(begun.flatMap(({ id, gone }) => [id, ...gone]))
    const layers = await tree.layers()
    return {
      doomed: layers.flatMap(({ id, doomed }) => (doomed && !kept.has(id) ? [id] : [])),
      known: await recorded(tree),
      begun: new Set(begun.map(({ id }) => layerFile(id) + partialSuffix)),
    }
  })
  await finishRemoval(store, doomed)
  for (const name of await layers.directory.names()) {
    const id = layerNamed(name)
    if (name.endsWith(partialSuffix)) {
      if (!begun.has(name)) await removeFile(layers.directory.file(name))
    } else if (id !== undefined && !known.has(id) && (await isUnused(layers, id))) {
      await layers.remove([id])
    }
  }
  await sweepMarkers(layers)
  await reclaimDue(store)
}

/** A marker goes after its layer does, and may have been left behind. */
async function sweepMarkers({ directory }: LayerFiles): Promise<void> {
  const names = new Set(await directory.names())
  for (const name of names) {
    const id = hollowNamed(name)
    if (id === undefined || names.has(layerFile(id))) continue
    if (!names.has(layerFile(id) + partialSuffix)) await removeFile(directory.file(name))
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
