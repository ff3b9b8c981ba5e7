/**
 * The commit of upkeep: a new layer, built and waiting, takes the place of the run it was made of.
 * Alone in the house, so that no verb holds an id that is replaced, and not while a process is just
 * opening the old ones: it could not be told of the new.
 *
 * May be done again after a crash, until `finish`: it then says the same once more.
 */
import { rename } from "node:fs/promises"
import type { Restack } from "../../domain/disk.ts"
import { Refusal } from "../../domain/fault.ts"
import { errorCode } from "../../platform/files.ts"
import { writeBackingName } from "./backing-name.ts"
import { Clusters } from "./clusters.ts"
import { partialPath } from "./consolidate.ts"
import { giveUp } from "./give-up.ts"
import { chainNodes, diskNode, linkNode, nodeNames } from "./graph.ts"
import type { LayerId } from "./layer-files.ts"
import { asPlanned, newLayer } from "./planned.ts"
import type { Store } from "./store.ts"
import { inTree, type Tree } from "./tree.ts"
import type { Work } from "./works.ts"

/** How long a process may take to open the disks it is starting with. */
const openedWithinMs = 120_000

export function commit(store: Store, id: LayerId): Promise<Restack | null> {
  return store.desk.turn(id, async () => {
    for (;;) {
      const work = await inTree(store.memory, (tree) => tree.works.get(id))
      if (work === undefined) return null
      if (work.state === "committed") return await told(store, work)
      if (!(await store.pins.opened(work.run, openedWithinMs))) throw stillOpening()
      const committed = await store.steady.exclusive(async () =>
        store.pins.isOpening(work.run) ? "again" : await replaceRun(store, id),
      )
      if (committed === null) return null
      if (committed !== "again") return await told(store, committed)
    }
  })
}

/** Whoever is about to open the old layers could not be told of the new. */
const stillOpening = () =>
  new Refusal({
    kind: "unavailable",
    what: "the disk",
    remedy: "a machine has been starting with it for long; try again when it runs",
  })

/** Single transactions of others go on meanwhile: if one got in between, it is begun afresh. */
async function replaceRun(store: Store, id: LayerId): Promise<Work | "again" | null> {
  const { work, top } = await inTree(store.memory, async (tree) => {
    const work = await tree.works.get(id)
    return { work, top: work === undefined ? null : await topOf(tree, work) }
  })
  if (work === undefined) return null
  if (top === null || !(await takeItsName(store, work, top))) {
    await giveUp(store, work)
    return null
  }
  hold(store, work)
  return (await inTree(store.memory, (tree) => putInPlace(tree, id, top))) ?? "again"
}

/** What the new layer has to be in the place of the run's top; null where it cannot be. */
type Top = { parent: LayerId | null; named: boolean }

async function topOf(tree: Tree, work: Work): Promise<Top | null> {
  if (work.state !== "built" || !(await asPlanned(tree, work))) return null
  const { parent } = await newLayer(tree, work.id, work.run)
  const points = work.use === "merge" ? await tree.pointsOn(work.run.at(-1) as LayerId) : []
  return { parent, named: points.length > 0 }
}

/**
 * From here on the file is a layer like any other, though nobody knows of it yet. False where it
 * is not there at all: somebody took it away, and the run must stay.
 */
async function takeItsName(store: Store, { id }: Work, { parent, named }: Top): Promise<boolean> {
  const { layers } = store
  // Nobody but those above it is to read it, whether it lacks what they hold or not.
  if (!named && !(await layers.isHollow(id))) {
    await layers.markHollow(id, { clusters: new Clusters(), made: true })
  }
  await rename(partialPath(store, id), layers.path(id)).catch(ignoreMissing)
  if (parent !== null) await writeBackingName(layers.path(id), parent)
  await layers.directory.sync()
  const there = await layers.bytes(id).catch(ignoreMissing)
  return there !== undefined
}

function ignoreMissing(cause: unknown): void {
  if (errorCode(cause) !== "ENOENT") throw cause
}

/** From the moment of the commit, for those who have the old ones open. */
export function hold({ desk, pins }: Store, { id, run }: Work): void {
  if (!desk.replaced.has(id)) desk.replaced.set(id, pins.hold(run))
}

/** Null, and nothing has changed, where the run is not any more what it was. */
async function putInPlace(tree: Tree, id: LayerId, expected: Top): Promise<Work | null> {
  const work = await tree.works.get(id)
  const found = work && (await topOf(tree, work))
  if (!found || found.parent !== expected.parent || found.named !== expected.named) return null
  const { run, use } = work
  const top = run.at(-1) as LayerId
  const moved = (await tree.needs(top)).children
  await tree.putLayer({ ...(await newLayer(tree, id, run)), reclaim: !found.named })
  for (const child of moved) await tree.putLayer({ ...(await tree.living(child)), parent: id })
  const points = use === "merge" ? await tree.pointsOn(top) : []
  for (const point of points) await tree.putPoint({ ...point, layer: id })
  const original = await tree.equalTo(top)
  const gone = await tree.letGo(top)
  if (gone.includes(top)) {
    for (const copy of await tree.copiesOf(top)) {
      await (found.named ? tree.putCopy(copy, id) : tree.removeCopy(copy))
    }
    if (original !== null) await tree.putCopy(id, original)
  } else await tree.putCopy(id, top)
  const committed: Work = { ...work, state: "committed", moved, gone }
  await tree.works.put(committed)
  return committed
}

/** With nobody kept waiting but for the answer: there may be many that moved. */
async function told(store: Store, work: Work): Promise<Restack | null> {
  await tellTheMoved(store, work)
  const restack = await store.steady.exclusive(() => restackOf(store, work))
  if (restack !== null) store.desk.told(work.id)
  return restack
}

/**
 * In their headers. One that is broken keeps nobody from their work: the name in it is for people
 * and salvage, and `examine` tells of what is wrong there.
 */
export async function tellTheMoved({ memory, layers }: Store, { id, moved }: Work): Promise<void> {
  for (const child of moved) {
    const layer = await inTree(memory, (tree) => tree.layer(child))
    if (layer?.parent === id) await writeBackingName(layers.path(child), id).catch(() => {})
  }
}

async function restackOf(store: Store, { id, moved, gone }: Work): Promise<Restack | null> {
  const { directIo } = store
  return await inTree(store.memory, async (tree) => {
    const layer = await tree.layer(id)
    // Everything that stood on it went since: nobody has it, or what it replaced, under a disk.
    if (layer === undefined || layer.doomed) return null
    const nodes = chainNodes(await tree.chain(id), { directIo, writable: false })
    const links = []
    for (const child of await standing(tree, moved)) {
      const readOnly = (await tree.headsOn(child)).length === 0
      const node = linkNode(child, { directIo, readOnly, backing: id })
      links.push({ node, backing: diskNode(id) })
    }
    return { nodes, links, gone: gone.flatMap(nodeNames) }
  })
}

/**
 * Those that were moved, and what stands there instead of one in a process that has not yet come
 * along with earlier work.
 */
async function standing(tree: Tree, moved: readonly LayerId[]): Promise<LayerId[]> {
  const earlier = []
  for (const child of moved) earlier.push((await tree.works.get(child))?.run[0] ?? [])
  return [...moved, ...earlier.flat()]
}
