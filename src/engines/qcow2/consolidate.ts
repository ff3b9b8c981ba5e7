/**
 * The long part of upkeep: one layer that shows what a run of layers shows, built beside them.
 *
 * The run is frozen, so the same layer comes out whenever this is done, and a copy that broke off
 * goes on where it had got to. Data comes first and its tables last; until the commit the file has
 * the name of one half made. Writes are kept small and synced often: what has gathered in the page
 * cache is what a guest's own write would have to wait for.
 */
import { type FileHandle, open } from "node:fs/promises"
import {
  errorCode,
  isOutOfSpace,
  openNew,
  partialSuffix,
  removeFile,
} from "../../platform/files.ts"
import type { Watch } from "../engine.ts"
import { Clusters } from "./clusters.ts"
import { Combined, type Extent } from "./combined.ts"
import { FullLayer } from "./full-layer.ts"
import { clusterBytes } from "./header.ts"
import { type LayerId, layerFile } from "./layer-files.ts"
import { readLayerMap } from "./layer-map.ts"
import { parentOf } from "./planned.ts"
import { Readers } from "./readers.ts"
import { makeSure } from "./shadow.ts"
import { fileRights, type Store } from "./store.ts"
import { inTree } from "./tree.ts"
import type { Work } from "./works.ts"

const syncEveryBytes = 8 * 2 ** 20
/** What a crash may make us copy again. */
const rememberEveryBytes = 64 * 2 ** 20

/** Called with what is durable; false when the copy is of no use any more. */
export type Remember = (copied: Work["copied"]) => Promise<boolean>

export const partialPath = (store: Store, id: LayerId): string =>
  store.layers.path(id) + partialSuffix

/** False where it was given up because `remember` said so. */
export async function consolidate(
  store: Store,
  { id, run, copied }: Work,
  remember: Remember,
  watch: Watch,
): Promise<boolean> {
  const [bottom] = run
  const parent = bottom ? await inTree(store.memory, (tree) => parentOf(tree, bottom)) : null
  // Not those in the cache, nor for it: the top may thaw while we read, which makes all this void.
  const maps = await Promise.all(run.map((layer) => readLayerMap(store.layers.path(layer))))
  const below = parent === null ? "nothing" : "a layer"
  const unread = await needless(store, run)
  const combined = new Combined(maps, below, unread)
  const target = new FullLayer(combined)
  const known = copied.layout === target.layout ? copied.clusters : 0
  try {
    await expectRoom(store, target.fileBytes - known * clusterBytes)
    const { file, done } = await openPartial(store, id, known)
    try {
      const job = { store, run, combined, target, file, remember, watch }
      if (!(await copyData(job, done))) return false
      await writeTables(job, parent)
      await file.truncate(target.fileBytes)
      await file.sync()
    } finally {
      await file.close()
    }
    if (!unread.isEmpty) await store.layers.markHollow(id, { clusters: unread, made: true })
    await store.layers.directory.sync()
    return true
  } catch (cause) {
    throw isOutOfSpace(cause) ? await store.layers.noSpace(target.fileBytes) : cause
  }
}

/**
 * Nobody reads what all that stand on a nameless top hold themselves, and nobody new can come to
 * stand there. It counts only once it is durable.
 */
async function needless(store: Store, run: readonly LayerId[]): Promise<Clusters> {
  const top = run.at(-1)
  const covered = top && (await inTree(store.memory, (tree) => new Readers(tree).covered(top)))
  let clusters = new Clusters()
  if (!covered) return clusters
  for (const id of run) {
    clusters = clusters.union(await store.shadows.needless({ id, above: covered.above }))
  }
  if (!clusters.isEmpty) await makeSure(store, covered.above)
  return clusters
}

async function expectRoom(store: Store, neededBytes: number): Promise<void> {
  const freeBytes = await store.layers.directory.freeBytes()
  if (freeBytes < neededBytes) throw await store.layers.noSpace(neededBytes)
}

async function openPartial(store: Store, id: LayerId, known: number) {
  const path = partialPath(store, id)
  if (known > 0) {
    const file = await open(path, "r+").catch(nullIfMissing)
    if (file !== null) return { file, done: known }
  }
  await removeFile(path)
  return { file: await openNew(path, fileRights(store.user)), done: 0 }
}

function nullIfMissing(cause: unknown): null {
  if (errorCode(cause) === "ENOENT") return null
  throw cause
}

type Job = {
  store: Store
  run: readonly LayerId[]
  combined: Combined
  target: FullLayer
  file: FileHandle
  remember: Remember
  watch: Watch
}

async function copyData(job: Job, done: number): Promise<boolean> {
  const { store, run, combined, target, file, remember, watch } = job
  const { layout } = target
  const totalBytes = combined.data.size * clusterBytes
  const sources: FileHandle[] = []
  try {
    for (const id of run) sources.push(await open(store.layers.path(id), "r"))
    let [copied, synced, remembered] = [done, done, done]
    watch.progress(copied * clusterBytes, totalBytes)
    for (const extent of combined.extents(done)) {
      await store.desk.pace.take(extent.length, watch.signal)
      await copyExtent(sources[extent.source], file, extent, target.offsetOf(extent.rank))
      copied = extent.rank + extent.length / clusterBytes
      watch.progress(copied * clusterBytes, totalBytes)
      if ((copied - synced) * clusterBytes < syncEveryBytes) continue
      await file.datasync()
      synced = copied
      if ((copied - remembered) * clusterBytes < rememberEveryBytes) continue
      if (!(await remember({ clusters: copied, layout }))) return false
      remembered = copied
    }
    return true
  } finally {
    for (const source of sources) await source.close()
  }
}

async function copyExtent(
  source: FileHandle | undefined,
  file: FileHandle,
  { offset, length, shown }: Extent,
  to: number,
): Promise<void> {
  if (source === undefined) throw new Error("a source outside the run")
  const bytes = Buffer.allocUnsafe(length)
  let have = 0
  while (have < length) {
    const { bytesRead } = await source.read(bytes, have, length - have, offset + have)
    if (bytesRead === 0) break
    have += bytesRead
  }
  // A layer's file may end within its last cluster; the rest of that is zeros.
  bytes.fill(0, Math.min(have, shown))
  await writeAll(file, bytes, to)
}

async function writeAll(file: FileHandle, bytes: Buffer, to: number): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const left = bytes.length - done
    done += (await file.write(bytes, done, left, to + done)).bytesWritten
  }
}

async function writeTables({ store, target, file, watch }: Job, parent: LayerId | null) {
  const backing = parent === null ? null : layerFile(parent)
  for (const { at, bytes } of target.metadata(backing)) {
    await store.desk.pace.take(bytes.length, watch.signal)
    await writeAll(file, bytes, at)
  }
}
