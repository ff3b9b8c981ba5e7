/** The world's layers as the records see them: made, recorded, reached, and swept. */
import type { EngineMemory, EngineMemoryTx } from "../../domain/engine-memory.ts"
import { Refusal } from "../../domain/fault.ts"
import { newId } from "../../domain/ids.ts"
import type { Space } from "../engine.ts"
import { expectRoomFor } from "../volume-size.ts"
import type { Head, Point } from "./records.ts"
import { MemoryLayer, type World } from "./world.ts"

export class Layers {
  readonly #world: World
  /** Made, and in nobody's record yet; not rubbish. */
  readonly #unrecorded: Set<string>
  readonly #memory: EngineMemory

  constructor(world: World, unrecorded: Set<string>, memory: EngineMemory) {
    this.#world = world
    this.#unrecorded = unrecorded
    this.#memory = memory
  }

  get(id: string): MemoryLayer {
    const layer = this.#world.layers.get(id)
    if (layer === undefined) throw new Error(`layer ${id} is gone`)
    return layer
  }

  async make<T>(
    parent: string | null,
    sizeBytes: number,
    record: (tx: EngineMemoryTx, layer: string) => Promise<T>,
  ): Promise<T> {
    const below = parent === null ? null : this.get(parent)
    if (below !== null) expectRoomFor(below.sizeBytes, sizeBytes)
    return await this.record(new MemoryLayer(below, sizeBytes), record)
  }

  async record<T>(
    layer: MemoryLayer,
    record: (tx: EngineMemoryTx, layer: string) => Promise<T>,
  ): Promise<T> {
    const id = newId()
    this.#unrecorded.add(id)
    this.#world.layers.set(id, layer)
    try {
      return await this.#memory.transaction((tx) => record(tx, id))
    } catch (cause) {
      if (cause instanceof Refusal) this.#world.layers.delete(id)
      throw cause
    } finally {
      this.#unrecorded.delete(id)
    }
  }

  async spaceOf({ id, layer }: Point): Promise<Space> {
    const without = await this.#memory.transaction((tx) => this.#reached(tx, (p) => p.id !== id))
    const sum = { exclusive: 0, shared: 0, freedIfDeleted: 0 }
    for (let one: MemoryLayer | null = this.get(layer); one !== null; one = one.parent) {
      sum[without.has(one) ? "shared" : "exclusive"] += one.heldBytes
    }
    return { ...sum, freedIfDeleted: sum.exclusive }
  }

  async sweep(): Promise<void> {
    await this.#memory.transaction(async (tx) => {
      for (const id of await this.#leaked(tx)) this.#world.layers.delete(id)
    })
  }

  async leaked(): Promise<string[]> {
    const ids = await this.#memory.transaction((tx) => this.#leaked(tx))
    return ids.map((id) => `no record reaches layer ${id}`)
  }

  /** In a transaction, so that whatever is being recorded is on one side of it or the other. */
  async #leaked(tx: EngineMemoryTx): Promise<string[]> {
    const reached = await this.#reached(tx)
    return [...this.#world.layers].flatMap(([id, layer]) =>
      reached.has(layer) || this.#unrecorded.has(id) ? [] : [id],
    )
  }

  /** Every layer that a head, or a point for which `counts` holds, stands on. */
  async #reached(tx: EngineMemoryTx, counts: (point: Point) => boolean = () => true) {
    const heads = (await tx.all("volume")).map((record) => record.body as Head)
    const points = (await tx.all("point")).map((record) => record.body as Point).filter(counts)
    const tops = [...heads.flatMap((one) => [one.layer, one.armed]), ...points.map(layerOf)]
    const reached = new Set<MemoryLayer>()
    for (const top of tops) {
      const layer = top === null ? undefined : this.#world.layers.get(top)
      for (let one = layer ?? null; one !== null; one = one.parent) reached.add(one)
    }
    return reached
  }

  missing(): Promise<string[]> {
    return this.#memory.transaction(async (tx) => {
      const records = [...(await tx.all("volume")), ...(await tx.all("point"))]
      return records.flatMap(({ kind, id, body }) =>
        this.#world.layers.has((body as Head | Point).layer)
          ? []
          : [`the layer of ${kind} ${id} is gone`],
      )
    })
  }
}

const layerOf = ({ layer }: Point): string => layer
