/** Compares what the memory says with what is on disk, and tells every difference. */
import type { Finding } from "../../domain/finding.ts"
import { errorCode, partialSuffix } from "../../platform/files.ts"
import { MalformedHeader } from "./header.ts"
import { hollowNamed, type LayerId, type LayerShape, layerFile, layerNamed } from "./layer-files.ts"
import { readLayerMap } from "./layer-map.ts"
import { recorded } from "./recover.ts"
import type { Store } from "./store.ts"
import { inTree, type Tree } from "./tree.ts"

export async function examine(store: Store): Promise<Finding[]> {
  const { layers, memory } = store
  // Names first: what is made and recorded meanwhile is then known; what goes is looked up again.
  const names = await layers.directory.names()
  const seen = await inTree(memory, async (tree) => ({
    known: await recorded(tree),
    begun: new Set((await tree.works.all()).map(({ id }) => layerFile(id) + partialSuffix)),
    shapes: await shapes(tree),
    dangling: await dangling(tree),
  }))
  const findings: Finding[] = seen.dangling.map((what) => wrong(what, restoreBackup))
  for (const [id, shape] of seen.shapes) {
    const what = await difference(store, id, shape)
    if (what !== null) findings.push(wrong(what, restoreBackup))
  }
  for (const name of names) {
    const id = layerNamed(name) ?? hollowNamed(finished(name))
    if (id !== undefined && (seen.known.has(id) || layers.unrecorded.has(id))) continue
    if (seen.begun.has(name)) continue
    if (name.endsWith(partialSuffix) && layers.unrecorded.size > 0) continue
    const remedy = "look whether it is needed, and move it elsewhere"
    findings.push(wrong(`no record knows the file ${layers.directory.file(name)}`, remedy))
  }
  for (const what of store.reclaims.troubles()) findings.push(wrong(what, reclaimedLater))
  if (!store.directIo) findings.push(slowSwitches)
  return findings
}

/** What a layer has given back is written down while it is in use; recovery removes what is left. */
const finished = (name: string) =>
  name.endsWith(partialSuffix) ? name.slice(0, -partialSuffix.length) : name

const restoreBackup = "restore the layers directory and the database from one backup"

const reclaimedLater = "see whether the disk is full or broken; it is tried again by itself"

const slowSwitches: Finding = {
  severity: "note",
  what: "the file system refuses O_DIRECT: a snapshot of a busy disk makes its guest wait longer",
  remedy: null,
}

const wrong = (what: string, remedy: string): Finding => ({ severity: "wrong", what, remedy })

const inWords = (cause: unknown) => (cause instanceof Error ? cause.message : String(cause))

/** Each layer that must be there, armed overlays included, as its file must be. */
async function shapes(tree: Tree): Promise<Map<LayerId, LayerShape>> {
  const shapes = new Map<LayerId, LayerShape>()
  for (const { id, doomed, parent, sizeBytes } of await tree.layers()) {
    if (!doomed) shapes.set(id, { parent, sizeBytes })
  }
  for (const { armed, layer, sizeBytes } of await tree.heads()) {
    if (armed !== null) shapes.set(armed, { parent: layer, sizeBytes })
  }
  return shapes
}

async function dangling(tree: Tree): Promise<string[]> {
  const alive = new Map((await tree.layers()).map((layer) => [layer.id, layer]))
  const isAlive = (id: LayerId) => alive.get(id)?.doomed === false
  const findings: string[] = []
  for (const { id, parent, doomed } of alive.values()) {
    if (doomed || parent === null || isAlive(parent)) continue
    findings.push(`layer ${id} stands on ${parent}, which is gone`)
  }
  for (const { volume, layer, sizeBytes } of await tree.heads()) {
    if (!isAlive(layer)) findings.push(`the head of volume ${volume} is gone`)
    else if (alive.get(layer)?.sizeBytes !== sizeBytes) {
      findings.push(`the head of volume ${volume} is not as large as the volume`)
    }
  }
  for (const { id, layer } of await tree.points()) {
    if (!isAlive(layer)) findings.push(`the layer of point ${id} is gone`)
  }
  return findings
}

const backingOf = ({ parent }: Pick<LayerShape, "parent">) =>
  parent === null ? null : layerFile(parent)

/**
 * Looked at again, and not in the midst of a commit, which changes the record. The header comes
 * after it, while the work is not finished.
 */
async function misnamed({ memory, layers }: Store, id: LayerId): Promise<string | null> {
  const record = await inTree(memory, async (tree) => {
    const moved = (await tree.works.all()).some((work) => work.moved.includes(id))
    return moved ? undefined : await recordOf(tree, id)
  })
  if (record === undefined) return null
  const { backingName } = await layers.header(id)
  const backing = backingOf(record)
  if (backingName === backing) return null
  return `${layers.path(id)} names ${backingName} instead of ${backing}`
}

async function recordOf(tree: Tree, id: LayerId): Promise<Pick<LayerShape, "parent"> | undefined> {
  const layer = await tree.layer(id)
  if (layer !== undefined) return layer.doomed ? undefined : layer
  const armed = (await tree.heads()).find((head) => head.armed === id)
  return armed && { parent: armed.layer }
}

async function difference(store: Store, id: LayerId, shape: LayerShape): Promise<string | null> {
  const path = store.layers.path(id)
  try {
    const { sizeBytes, backingName } = await store.layers.header(id)
    if (sizeBytes !== shape.sizeBytes) {
      return `${path} is a disk of ${sizeBytes} bytes, recorded as ${shape.sizeBytes}`
    }
    await readLayerMap(path)
    if (backingName === backingOf(shape)) return null
    return await store.steady.shared(() => misnamed(store, id))
  } catch (cause) {
    if (cause instanceof MalformedHeader) return `${path} is no layer: ${cause.message}`
    if (errorCode(cause) !== "ENOENT") return `${path} cannot be read: ${inWords(cause)}`
    // Gone: rightly, if its record went in the meantime.
    const record = await inTree(store.memory, (tree) => tree.layer(id))
    return record === undefined || record.doomed ? null : `${path} is missing`
  }
}
