/**
 * What points were found to hold on disk, for as long as nothing changed that counts for it: lists
 * ask for a thousand at once, again and again. Every change of a record tells which layer's readers
 * it changed; what was found by looking at that layer is forgotten. A layer that is still written
 * to covers more all the time, so what depends on one is good for its file as it was.
 */
import type { EngineRecord } from "../../domain/engine-memory.ts"
import type { PointId } from "../../domain/ids.ts"
import type { Space } from "../engine.ts"
import type { LayerId } from "./layer-files.ts"

export type Measure = {
  space: Space
  /** Every layer that was looked at for it, but for what is below it all the way down. */
  seen: ReadonlySet<LayerId>
  /** Those of its covers that are still written to, and their files as they were. */
  growing: readonly { id: LayerId; written: string }[]
}

const mostKept = 8192

/** All that is found out in one go; what changes meanwhile spoils what depends on it. */
export type Measuring = { touched: Set<LayerId>; all: boolean }

export class Measured {
  /** The one used longest ago first. */
  readonly #kept = new Map<PointId, Measure>()
  readonly #dependents = new Map<LayerId, Set<PointId>>()
  readonly #underWay = new Set<Measuring>()

  get(point: PointId): Measure | undefined {
    const measure = this.#kept.get(point)
    if (measure === undefined) return undefined
    this.#kept.delete(point)
    this.#kept.set(point, measure)
    return measure
  }

  begin(): Measuring {
    const measuring = { touched: new Set<LayerId>(), all: false }
    this.#underWay.add(measuring)
    return measuring
  }

  end(measuring: Measuring, found: ReadonlyMap<PointId, Measure>): void {
    this.#underWay.delete(measuring)
    if (measuring.all) return
    for (const [point, measure] of found) {
      const isSpoilt = [...measure.seen].some((id) => measuring.touched.has(id))
      if (!isSpoilt) this.#keep(point, measure)
    }
  }

  /** A record that was written, or was there before it was written or removed. */
  note({ kind, id, parent }: EngineRecord): void {
    if (kind === "layer") this.touch(id as LayerId)
    const stands = kind === "layer" || kind === "volume" || kind === "point"
    if (stands && parent !== null) this.touch(parent as LayerId)
    if (kind === "point") this.#forget(id as PointId)
    // Upkeep moves many at once, and what is below them.
    if (kind === "upkeep") this.forgetAll()
  }

  /** It has other readers, or other bytes. */
  touch(id: LayerId): void {
    for (const measuring of this.#underWay) measuring.touched.add(id)
    for (const point of this.#dependents.get(id) ?? []) this.#forget(point)
  }

  forgetAll(): void {
    for (const measuring of this.#underWay) measuring.all = true
    this.#kept.clear()
    this.#dependents.clear()
  }

  #keep(point: PointId, measure: Measure): void {
    this.#forget(point)
    this.#kept.set(point, measure)
    for (const id of measure.seen) {
      const dependents = this.#dependents.get(id) ?? new Set()
      this.#dependents.set(id, dependents.add(point))
    }
    for (const [oldest] of this.#kept) {
      if (this.#kept.size <= mostKept) break
      this.#forget(oldest)
    }
  }

  #forget(point: PointId): void {
    const measure = this.#kept.get(point)
    if (measure === undefined) return
    this.#kept.delete(point)
    for (const id of measure.seen) {
      const dependents = this.#dependents.get(id)
      dependents?.delete(point)
      if (dependents?.size === 0) this.#dependents.delete(id)
    }
  }
}
