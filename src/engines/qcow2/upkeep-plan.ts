/**
 * What upkeep there is to do: begun work first, then plans. A plan is only a thought: it has no
 * record until somebody begins it, and vanishes when the layers are not as it found them.
 *
 * Looking starts from what changed since the last look and goes no further than the layers around
 * it; after a start everything counts as changed, and is gone through a few dozen at a time.
 */
import type { VolumeId } from "../../domain/ids.ts"
import type { Upkeep } from "../engine.ts"
import type { Plan } from "./desk.ts"
import { type LayerId, newLayerId } from "./layer-files.ts"
import { areFree, asPlanned, isMerge, parentOf, readerOf } from "./planned.ts"
import type { Store } from "./store.ts"
import { inTree, type Tree } from "./tree.ts"
import { cheapestWindow, type Sized, shortestWindow, tiers, totalBytes } from "./upkeep-rules.ts"
import { layersOf } from "./works.ts"

const lookedAtOnce = 32

export async function upkeep(store: Store, pressing?: VolumeId): Promise<Upkeep[]> {
  return await store.desk.looking(async () => {
    if (pressing !== undefined) return await pressingWork(store, pressing)
    await dropPointless(store)
    await look(store)
    const begun = await inTree(store.memory, (tree) => tree.works.all())
    return [...begun, ...store.desk.plans.values()].map(inWords)
  })
}

function inWords({ id, volume, run, use, bytes }: Plan): Upkeep {
  const what =
    use === "merge"
      ? `merging ${run.length} layers that nobody needs apart`
      : `a short cut past ${run.length} layers that are kept`
  return { id, volume, what, bytes }
}

/** Work on the volume's path, if that is as long as it may be. */
async function pressingWork(store: Store, volume: VolumeId): Promise<Upkeep[]> {
  const { lengths, limits } = store.desk
  // Half of the way: a switch that was not recorded, or a revert, may have added one unseen.
  const known = (lengths.get(volume) ?? limits.hardDepth) + 1
  if (known <= limits.hardDepth / 2) {
    lengths.set(volume, known)
    return []
  }
  const { path, begun } = await inTree(store.memory, async (tree) => ({
    path: await frozenPath(tree, volume),
    begun: await tree.works.all(),
  }))
  lengths.set(volume, path.length)
  if (path.length < limits.hardDepth) return []
  const onPath = new Set(path)
  const touches = ({ run }: Plan) => run.some((id) => onPath.has(id))
  const under = begun.find((work) => work.state !== "spoilt" && touches(work))
  if (under !== undefined) return [inWords(under)]
  for (const plan of store.desk.plans.values()) if (touches(plan)) store.desk.lookAgain(plan)
  const plan = await shortened(store, volume, path)
  return plan === null ? [] : [inWords(plan)]
}

async function dropPointless(store: Store): Promise<void> {
  for (const plan of store.desk.plans.values()) {
    const still = await inTree(store.memory, async (tree) =>
      (await areFree(tree, plan.run)) ? await asPlanned(tree, plan) : false,
    )
    if (!still) store.desk.lookAgain(plan)
  }
}

async function look(store: Store): Promise<void> {
  const { changed, limits, waiting } = store.desk
  // What has settled since counts as changed.
  store.desk.settling()
  if (!store.desk.lookedOnce) {
    await inTree(store.memory, async (tree) => {
      for (const { id } of await tree.layers()) changed.layers.add(id)
      for (const { volume } of await tree.heads()) changed.volumes.add(volume)
    })
    store.desk.lookedOnce = true
  }
  while (changed.layers.size > 0 && store.desk.hasRoom) {
    const starts = someOf(changed.layers)
    const mergeable = await inTree(store.memory, async (tree) => {
      // A short cut may be merged once the layer that it equals is gone.
      const copies = await Promise.all(starts.map((id) => tree.copiesOf(id)))
      return await mergeableAround(tree, [...starts, ...copies.flat()])
    })
    for (const layers of mergeable) await planMerges(store, layers)
  }
  while (changed.volumes.size > 0 && store.desk.hasRoom) {
    for (const volume of someOf(changed.volumes)) {
      const path = await inTree(store.memory, (tree) => frozenPath(tree, volume))
      if (path.length <= limits.softDepth) continue
      if ((await shortened(store, volume, path)) === null) waiting.add(volume)
    }
  }
}

function someOf<T>(set: Set<T>): T[] {
  const some: T[] = []
  for (const one of set) {
    if (some.length === lookedAtOnce) break
    some.push(one)
    set.delete(one)
  }
  return some
}

/** The layers below a volume's head, the lowest first; none for a volume that is not there. */
async function frozenPath(tree: Tree, volume: VolumeId): Promise<LayerId[]> {
  const head = await tree.head(volume)
  return head === undefined ? [] : (await tree.chain(head.layer)).slice(0, -1).map(({ id }) => id)
}

/** Stretches of which all but the last layer can be merged upwards, the lowest first. */
async function mergeableAround(tree: Tree, starts: readonly LayerId[]): Promise<LayerId[][]> {
  const stretches: LayerId[][] = []
  const seen = new Set<LayerId>()
  for (const start of starts) {
    const layer = await tree.layer(start)
    if (layer === undefined || layer.doomed || seen.has(start)) continue
    const stretch: LayerId[] = []
    let at = (await onlyAbove(tree, start)) === null ? layer.parent : start
    for (; at !== null && (await onlyAbove(tree, at)) !== null; at = await parentOf(tree, at)) {
      stretch.unshift(at)
    }
    for (let top = stretch.at(-1); top !== undefined; ) {
      const above = await onlyAbove(tree, top)
      if (above === null) break
      stretch.push(above)
      top = above
    }
    for (const id of stretch) seen.add(id)
    stretches.push(stretch)
  }
  return stretches
}

/**
 * The one frozen layer that a nameless layer is there for; null for any other layer. A short cut is
 * there for more: merged into the layer above, that one would hold all of it as its own.
 */
async function onlyAbove(tree: Tree, id: LayerId): Promise<LayerId | null> {
  // Most layers are kept for a point, and that is soon seen.
  if ((await tree.pointsOn(id)).length > 0) return null
  const { heads, children } = await tree.needs(id)
  const [above, ...others] = children
  if (heads + others.length > 0 || above === undefined) return null
  if ((await tree.equalTo(id)) !== null) return null
  return (await tree.headsOn(above)).length > 0 ? null : above
}

async function planMerges(store: Store, layers: readonly LayerId[]): Promise<void> {
  for (const run of tiers(await sized(store, layers))) await plan(store, run)
}

async function shortened(
  store: Store,
  volume: VolumeId,
  path: readonly LayerId[],
): Promise<Plan | null> {
  const { desk } = store
  const taken = new Set([...desk.plans.values()].flatMap(({ run }) => run))
  for (const id of desk.settling()) taken.add(id)
  for (const work of await inTree(store.memory, (tree) => tree.works.all())) {
    for (const id of layersOf(work)) taken.add(id)
  }
  const free = ({ id }: Sized<LayerId>) => !taken.has(id)
  const shortest = shortestWindow(desk.limits.softDepth)
  const window = cheapestWindow(await sized(store, path), shortest, free)
  return window === null ? null : await plan(store, window, volume)
}

/** One that went since it was looked up holds nothing any more; the plan will not stand. */
const sized = (store: Store, ids: readonly LayerId[]): Promise<Sized<LayerId>[]> =>
  Promise.all(ids.map(async (id) => ({ id, bytes: await store.layers.bytes(id).catch(() => 0) })))

async function plan(
  store: Store,
  layers: readonly Sized<LayerId>[],
  volume?: VolumeId,
): Promise<Plan | null> {
  const { plans } = store.desk
  const run = layers.map(({ id }) => id)
  const taken = store.desk.settling()
  for (const id of [...plans.values()].flatMap(({ run }) => run)) taken.add(id)
  if (run.some((id) => taken.has(id))) return null
  const found = await inTree(store.memory, async (tree) => {
    const top = await tree.layer(run.at(-1) as LayerId)
    if (top === undefined || !(await areFree(tree, run))) return null
    const use = (await isMerge(tree, run)) ? "merge" : "skip"
    const bytes = Math.min(totalBytes(layers), top.sizeBytes)
    const about = { id: newLayerId(), run, use, bytes } as const
    if (!(await asPlanned(tree, about))) return null
    const whose = volume ?? (await readerOf(tree, top.id))
    return whose === null ? null : { ...about, volume: whose }
  })
  if (found !== null) plans.set(found.id, found)
  return found
}
