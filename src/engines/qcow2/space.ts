/**
 * What points cost on disk, exactly as their removal will give it back: the layers that go whole,
 * and of those that stay the clusters that nobody can reach any more.
 */
import type { PointId } from "../../domain/ids.ts"
import type { Space } from "../engine.ts"
import { clusterBytes } from "./header.ts"
import type { LayerId } from "./layer-files.ts"
import type { Measure } from "./measured.ts"
import { type Covered, growingAbove, Readers } from "./readers.ts"
import type { Store } from "./store.ts"
import { inTree, type Point, type Tree } from "./tree.ts"

/** What is known stands; of the others each layer is looked at once for all of them. */
export async function space(
  store: Store,
  points: readonly PointId[],
): Promise<Map<PointId, Space>> {
  const { measured } = store
  const spaces = new Map<PointId, Space>()
  const unknown: PointId[] = []
  const asItWas = new Files(store)
  for (const id of points) {
    const known = measured.get(id)
    if (known !== undefined && asItWas.areStill(known.growing)) spaces.set(id, known.space)
    else unknown.push(id)
  }
  if (unknown.length === 0) return spaces
  const measuring = measured.begin()
  const found = new Map<PointId, Measure>()
  try {
    for (const [id, one] of await measure(store, unknown)) found.set(id, one)
  } finally {
    measured.end(measuring, found)
  }
  for (const [id, one] of found) spaces.set(id, one.space)
  return spaces
}

async function measure(store: Store, points: readonly PointId[]): Promise<Map<PointId, Measure>> {
  const { losses, parents } = await inTree(store.memory, async (tree) => {
    const readers = new Readers(tree)
    const parents: Parents = new Map()
    const losses: (Loss & { point: Point; seen: ReadonlySet<LayerId> })[] = []
    for (const point of await pointsOf(tree, points)) {
      await follow(readers, point.layer, parents)
      losses.push({ point, ...(await readers.without([point])) })
    }
    return { losses, parents }
  })
  const held = new Map<LayerId, number>()
  await Promise.all([...parents.keys()].map(async (id) => held.set(id, await bytesOf(store, id))))
  const below = totals(parents, held)
  const files = new Files(store)
  const measures = new Map<PointId, Measure>()
  for (const { point, gone, covered, seen } of losses) {
    // Before its tables are read: whatever is written after that makes it another.
    const growing = files.now(growingIn(covered))
    const whole = gone.reduce((sum, id) => sum + (held.get(id) ?? 0), 0)
    const exclusive = whole + (await hollowBytes(store, covered))
    const shared = Math.max(0, (below.get(point.layer) ?? 0) - exclusive)
    const space = { exclusive, shared, freedIfDeleted: exclusive }
    measures.set(point.id, { space, seen, growing })
  }
  return measures
}

const growingIn = (covered: readonly Covered[]): LayerId[] => [
  ...new Set(covered.flatMap(({ above }) => growingAbove(above))),
]

/** One look at the files that are still written to. */
class Files {
  readonly #store: Store
  readonly #written = new Map<LayerId, string>()

  constructor(store: Store) {
    this.#store = store
  }

  now(ids: readonly LayerId[]): Measure["growing"] {
    return ids.map((id) => ({ id, written: this.#of(id) }))
  }

  areStill(growing: Measure["growing"]): boolean {
    return growing.every(({ id, written }) => this.#of(id) === written)
  }

  #of(id: LayerId): string {
    const known = this.#written.get(id)
    if (known !== undefined) return known
    const written = this.#look(id)
    this.#written.set(id, written)
    return written
  }

  #look(id: LayerId): string {
    try {
      return this.#store.maps.written(id)
    } catch {
      return "gone"
    }
  }
}

export async function freed(store: Store, points: readonly PointId[]): Promise<number> {
  const { gone, covered } = await inTree(store.memory, async (tree) =>
    new Readers(tree).without(await pointsOf(tree, points)),
  )
  const whole = await Promise.all(gone.map((id) => bytesOf(store, id)))
  return whole.reduce((sum, bytes) => sum + bytes, await hollowBytes(store, covered))
}

type Loss = { gone: LayerId[]; covered: Covered[] }
type Parents = Map<LayerId, LayerId | null>

async function pointsOf(tree: Tree, ids: readonly PointId[]): Promise<Point[]> {
  const points: Point[] = []
  for (const id of new Set(ids)) {
    const point = await tree.point(id)
    if (point !== undefined) points.push(point)
  }
  return points
}

async function follow(readers: Readers, top: LayerId, parents: Parents): Promise<void> {
  for (let at: LayerId | null = top; at !== null && !parents.has(at); ) {
    const parent: LayerId | null = (await readers.layer(at))?.parent ?? null
    parents.set(at, parent)
    at = parent
  }
}

/** One that went since it was looked up holds nothing any more. */
const bytesOf = ({ layers }: Store, id: LayerId): Promise<number> => layers.bytes(id).catch(() => 0)

/** What layers that stay will give back, but for what they have given back before. */
async function hollowBytes(store: Store, covered: readonly Covered[]): Promise<number> {
  if (!store.reclaims.makesHoles) return 0
  const counts = await store.shadows.countNeedless(covered)
  let clusters = 0
  for (const [at, { id }] of covered.entries()) {
    const needless = counts[at] ?? 0
    const before = needless === 0 ? null : await store.layers.hollow(id)
    clusters += needless - (before?.made ? before.clusters.size : 0)
  }
  return clusters * clusterBytes
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
