/**
 * Runs of frozen layers replaced by one that shows the same. Two uses:
 *
 * **merge**: a layer that no point is on goes into the only one that stands on it; both go.
 * **skip**: a path that has grown long goes past some of its layers, which stay for their points.
 *
 * The new layer is made beside the old ones, one commit puts those who stood on the run's top on
 * it, and what the run was goes when everybody has moved. Work that is not begun is known by what
 * it would do, so that it has the same name whenever it is asked for.
 */
import type { Restack } from "../../domain/disk.ts"
import type { EngineMemory, EngineMemoryTx } from "../../domain/engine-memory.ts"
import type { Upkeep, UpkeepLimits, Watch } from "../engine.ts"
import type { Layers } from "./layers.ts"
import { nodeOf } from "./nodes.ts"
import { isRun, type Kind, planned, workOf } from "./plan.ts"
import { type Moved, putLayer, putPoint, putWork, readWork, type Work } from "./records.ts"
import { readTree, type Tree } from "./tree.ts"
import { MemoryLayer } from "./world.ts"

export class Upkeeps {
  readonly #memory: EngineMemory
  readonly #layers: Layers
  readonly #limits: Required<Pick<UpkeepLimits, "softDepth" | "hardDepth">>

  constructor(memory: EngineMemory, layers: Layers, limits: UpkeepLimits) {
    this.#memory = memory
    this.#layers = layers
    this.#limits = { softDepth: limits.softDepth ?? 12, hardDepth: limits.hardDepth ?? 48 }
  }

  async list(pressing: string | undefined): Promise<Upkeep[]> {
    const tree = await this.#memory.transaction(readTree)
    const { softDepth, hardDepth } = this.#limits
    const tell = ({ id, run }: Pick<Work, "id" | "run">) => this.#tell(tree, id, run)
    const held = (id: string) => this.#layers.get(id).heldBytes
    if (pressing === undefined) {
      return [...tree.works, ...planned(tree, softDepth, held)].map(tell)
    }
    const head = tree.heads.find(({ volume }) => volume === pressing)
    if (head === undefined) return []
    const below = tree.path(head.layer).slice(1)
    if (below.length < hardDepth) return []
    const mine = ({ run }: Pick<Work, "run">) => run.every((id) => below.some((b) => b.id === id))
    const begun = tree.works.filter(mine)
    // Short by one is enough; the rest has time.
    return (
      begun.length > 0
        ? begun
        : planned(tree, hardDepth - 1, held)
            .filter(mine)
            .slice(0, 1)
    ).map(tell)
  }

  async prepare(id: string, watch: Watch): Promise<void> {
    await this.#memory.transaction(async (tx) => {
      const tree = await readTree(tx)
      const { kind, run } = workOf(id)
      if (tree.works.some((work) => work.id === id) || !isRun(tree, kind, run)) return
      watch.signal.throwIfAborted()
      const [bottom = "", top = ""] = [run[0], run.at(-1)]
      const below = tree.layers.get(bottom)?.parent ?? null
      const { sizeBytes } = this.#layers.get(top)
      const bytes = new MemoryLayer(below === null ? null : this.#layers.get(below), sizeBytes)
      for (const one of run.toReversed()) bytes.absorb(this.#layers.get(one))
      bytes.frozen = true
      watch.progress(bytes.heldBytes, bytes.heldBytes)
      const volume = tree.layers.get(top)?.volume
      if (volume === undefined) throw new Error(`layer ${top} is not known`)
      const layer = await this.#layers.record(tx, { parent: below, volume, equals: null }, bytes)
      await putWork(tx, { id, run, layer, volume, committed: null })
    })
  }

  async commit(id: string): Promise<Restack | null> {
    const done = await this.#memory.transaction(async (tx) => {
      const tree = await readTree(tx)
      const work = tree.works.find((one) => one.id === id)
      if (work === undefined) return null
      const { kind, run } = workOf(id)
      if (work.committed === null && !isRun(tree, kind, run)) {
        await giveUp(tx, work)
        return null
      }
      // Whoever stood on it has gone since: so did all that it stood on, perhaps.
      if (work.committed !== null && !tree.needed().has(work.layer)) return null
      const moved = work.committed ?? (await move(tx, tree, work, kind))
      return { tree: await readTree(tx), layer: work.layer, moved }
    })
    if (done === null) await this.#layers.sweep()
    return done === null ? null : this.#restack(done)
  }

  async finish(id: string): Promise<void> {
    await this.#memory.transaction(async (tx) => {
      const record = await tx.get("upkeep", id)
      if (record === undefined || readWork(record).committed === null) return
      await tx.remove("upkeep", id)
    })
    await this.#layers.sweep()
  }

  async abandon(id: string): Promise<void> {
    await this.#memory.transaction(async (tx) => {
      const record = await tx.get("upkeep", id)
      if (record === undefined || readWork(record).committed !== null) return
      await giveUp(tx, readWork(record))
    })
    await this.#layers.sweep()
  }

  #tell(tree: Tree, id: string, run: readonly string[]): Upkeep {
    const there = run.filter((one) => tree.layers.has(one))
    const bytes = there.reduce((sum, one) => sum + this.#layers.get(one).heldBytes, 0)
    const [top = ""] = there.slice(-1)
    const readers = [...(tree.needed().get(top) ?? [])].sort()
    const heads = readers.filter((volume) => tree.heads.some((head) => head.volume === volume))
    // What is begun has a record, also when all that it was about is gone.
    const wrote = tree.works.find((work) => work.id === id) ?? tree.layers.get(top)
    const volume = heads[0] ?? readers[0] ?? wrote?.volume
    if (volume === undefined) throw new Error(`nobody reads ${run.join(" ")}`)
    return { id, volume, what: `${run.length} layers into one`, bytes }
  }

  #restack({ tree, layer, moved }: { tree: Tree; layer: string; moved: Moved }): Restack {
    // Nobody has the new layer open yet, nor perhaps what is below it.
    this.#layers.align(tree, layer)
    const node = (id: string) => nodeOf(id, this.#layers.get(id))
    const here = moved.children.filter((id) => tree.layers.get(id)?.parent === layer)
    return {
      nodes: [node(layer)],
      links: here.map((id) => ({ node: node(id), backing: layer })),
      gone: moved.gone,
    }
  }
}

/** The commit: all in the records, nothing in the world. */
async function move(tx: EngineMemoryTx, tree: Tree, work: Work, kind: Kind): Promise<Moved> {
  const { run, layer } = work
  const [bottom = "", top = ""] = [run[0], run.at(-1)]
  const [made, old] = [tree.layers.get(layer), tree.layers.get(top)]
  const below = tree.layers.get(bottom)?.parent ?? null
  if (made === undefined || old === undefined) throw new Error(`the layers of ${work.id} are gone`)
  const stays = kind === "skip" && tree.isNamed(top)
  await putLayer(tx, { ...made, parent: below, equals: stays ? top : old.equals })
  for (const child of tree.children(top)) await putLayer(tx, { ...child, parent: layer })
  if (kind === "merge") {
    for (const point of tree.points) {
      if (point.layer === top) await putPoint(tx, { ...point, layer })
    }
    for (const one of tree.layers.values()) {
      if (one.equals === top) await putLayer(tx, { ...one, equals: layer })
    }
  }
  await putWork(tx, { ...work, committed: { children: [], gone: [] } })
  const needed = (await readTree(tx)).needed()
  const moved = {
    children: tree.children(top).map(({ id }) => id),
    gone: run.filter((id) => !needed.has(id)),
  }
  await putWork(tx, { ...work, committed: moved })
  return moved
}

async function giveUp(tx: EngineMemoryTx, { id, layer }: Work): Promise<void> {
  await tx.remove("upkeep", id)
  await tx.remove("layer", layer)
}
