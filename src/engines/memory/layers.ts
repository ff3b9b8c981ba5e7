/**
 * The world's layers as the records see them: made, read, and swept when nothing needs them.
 *
 * A layer is made and recorded in one transaction; the world's part of it cannot fail. What a
 * transaction that failed left behind is rubbish that the next sweep takes.
 */
import type { EngineMemory, EngineMemoryTx } from "../../domain/engine-memory.ts"
import { newId, type VolumeId } from "../../domain/ids.ts"
import { expectRoomFor } from "../volume-size.ts"
import { type Layer, putLayer } from "./records.ts"
import { shadows } from "./space.ts"
import { readTree, type Tree } from "./tree.ts"
import { MemoryLayer, type World } from "./world.ts"

/** Opened once per process. */
export type House = {
  world: World
  /** How many may still come to read a layer. */
  pins: Map<string, number>
  /** What would be gone by now if it were not pinned. */
  overdue: Set<string>
}

export class Layers {
  readonly #house: House
  readonly #memory: EngineMemory

  constructor(house: House, memory: EngineMemory) {
    this.#house = house
    this.#memory = memory
  }

  get #world(): World {
    return this.#house.world
  }

  get(id: string): MemoryLayer {
    const layer = this.#world.layers.get(id)
    if (layer === undefined) throw new Error(`layer ${id} is gone`)
    return layer
  }

  /** An empty layer. */
  async make(
    tx: EngineMemoryTx,
    { parent, volume, sizeBytes }: { parent: string; volume: VolumeId; sizeBytes: number },
  ): Promise<string> {
    const below = this.get(parent)
    expectRoomFor(below.sizeBytes, sizeBytes)
    const layer = { parent, volume, equals: null }
    return await this.record(tx, layer, new MemoryLayer(below, sizeBytes))
  }

  async record(tx: EngineMemoryTx, layer: Omit<Layer, "id">, bytes: MemoryLayer): Promise<string> {
    const id = newId()
    this.#world.layers.set(id, bytes)
    await putLayer(tx, { id, ...layer })
    return id
  }

  /** What a layer shows, whatever the processes that have it open stand on. */
  shown(tree: Tree, top: string): MemoryLayer {
    const path = tree.path(top).map(({ id }) => this.get(id))
    const lowest = path.pop()
    if (lowest === undefined) throw new Error(`layer ${top} has no path`)
    return path.reduceRight((below, layer) => layer.over(below), lowest.over(null))
  }

  /** For a disk about to be opened: from here on its layers stand on what the records say. */
  align(tree: Tree, top: string): void {
    for (const { id, parent } of tree.path(top)) {
      this.get(id).parent = parent === null ? null : this.get(parent)
    }
  }

  /** None of the layers below this one goes away until the pin is disposed of. */
  pin(tree: Tree, top: string): Disposable {
    const { pins } = this.#house
    const ids = new Set(tree.path(top).map(({ id }) => id))
    for (const id of ids) pins.set(id, (pins.get(id) ?? 0) + 1)
    const unpin = () => {
      for (const id of ids) {
        const left = (pins.get(id) ?? 0) - 1
        if (left > 0) pins.set(id, left)
        else pins.delete(id)
      }
      ids.clear()
      // Nobody awaits it; what it cannot do, the next sweep does.
      if (this.#house.overdue.size > 0) this.sweep().catch(() => {})
    }
    return { [Symbol.dispose]: unpin }
  }

  /** What nothing needs goes, and so do the blocks of these layers that nobody can reach. */
  async sweep(due: readonly string[] = []): Promise<void> {
    await this.#memory.transaction(async (tx) => {
      const idle = this.#idle(await readTree(tx))
      const { overdue } = this.#house
      for (const id of idle.pinned) overdue.add(id)
      for (const id of idle.free) {
        await tx.remove("layer", id)
        const layer = this.#world.layers.get(id)
        this.#world.layers.delete(id)
        // Whoever opened it while it was pinned may keep it, as one keeps a file that is unlinked.
        if (layer !== undefined) layer.gone = !overdue.delete(id)
      }
      const left = await readTree(tx)
      for (const [id, numbers] of shadows(left, (id) => this.get(id))) {
        if (due.includes(id)) this.get(id).giveBack(numbers)
      }
    })
  }

  async recover(): Promise<void> {
    const tree = await this.#memory.transaction(readTree)
    await this.sweep([...tree.layers.keys()])
  }

  async examine(): Promise<string[]> {
    return await this.#memory.transaction(async (tx) => {
      const tree = await readTree(tx)
      const has = (id: string) => this.#world.layers.has(id)
      const tops = [...tree.points, ...tree.heads].map(({ layer }) => layer)
      const armed = tree.heads.flatMap((head) => head.armed ?? [])
      return [
        ...this.#idle(tree).free.map((id) => `nothing needs layer ${id}`),
        ...[...tree.layers.keys(), ...tops, ...armed].flatMap((id) =>
          has(id) && tree.layers.has(id) ? [] : [`layer ${id} is gone`],
        ),
      ]
    })
  }

  /** Layers on record or in the world that nothing needs. */
  #idle(tree: Tree): { free: string[]; pinned: string[] } {
    const held = tree.held()
    const known = new Set([...tree.layers.keys(), ...this.#world.layers.keys()])
    const idle = [...known].filter((id) => !held.has(id))
    const { free = [], pinned = [] } = Object.groupBy(idle, (id) =>
      this.#house.pins.has(id) ? "pinned" : "free",
    )
    return { free, pinned }
  }
}
