/** What upkeep has in mind: plans that nobody began, and where to look next. Gone with the process. */

import type { VolumeId } from "../../domain/ids.ts"
import { type OneAtATime, oneAtATime } from "../../platform/one-at-a-time.ts"
import type { UpkeepLimits } from "../engine.ts"
import { Changed } from "./changed.ts"
import type { LayerId } from "./layer-files.ts"
import { Pace } from "./pace.ts"
import type { Work } from "./works.ts"

/** `failed`: it was begun and given up; whoever tries it again knows it by the same name. */
export type Plan = Pick<Work, "id" | "run" | "use" | "volume" | "bytes"> & { failed?: true }

/** Enough to choose from; the rest is found when these are done. */
const plansKept = 16
/** Where so much has failed, more would too. */
const failedKept = 256

/** Longer than a host takes to move disks, or to give it up. */
const movedWithinMs = 120_000

/**
 * Random reads over ten layers are about as fast as over one, over twenty four they have lost a
 * third (`tintype bench depth`).
 */
const usual = { softDepth: 12, hardDepth: 48, bytesPerSecond: 96 * 2 ** 20 }

export class Desk {
  readonly limits: Required<UpkeepLimits>
  readonly plans = new Map<LayerId, Plan>()
  readonly changed = new Changed()
  /** All copies share it. */
  readonly pace: Pace
  /** What a dead process knew to be changed is lost with it, so once everything is looked at. */
  lookedOnce = false
  /** Looking for work is done by one at a time. */
  readonly looking: OneAtATime = oneAtATime()
  /**
   * How long volumes' paths were when last measured, one more for each time that was asked since:
   * a volume far from the limit need not be measured before each of its points.
   */
  readonly lengths = new Map<VolumeId, number>()
  /** Volumes with too long a path, of which other work has the layers. */
  readonly waiting = new Set<VolumeId>()
  /** How many were told of work that is committed and not finished. */
  readonly #told = new Map<LayerId, number>()
  /** Layers of finished work onto which somebody may still be moving disks, and until when. */
  readonly #settling = new Map<LayerId, number>()
  readonly #turns = new Map<LayerId, { turn: OneAtATime; visitors: number }>()
  /** Pins of layers that upkeep has replaced and that some process may still have open. */
  readonly replaced = new Map<LayerId, Disposable>()

  constructor(limits: UpkeepLimits = {}) {
    this.limits = { ...usual, ...limits }
    this.pace = new Pace(this.limits.bytesPerSecond)
  }

  get hasRoom(): boolean {
    const failed = [...this.plans.values()].filter((plan) => plan.failed).length
    return this.plans.size - failed < plansKept && failed < failedKept
  }

  /** Work that is over, or will not begin: its layers are looked at anew, for all who need them. */
  lookAgain({ id, run, volume }: Pick<Plan, "id" | "run" | "volume">): void {
    this.plans.delete(id)
    for (const layer of [...run, id]) this.changed.layers.add(layer)
    for (const each of [volume, ...this.waiting]) this.changed.volumes.add(each)
    this.waiting.clear()
  }

  /** Somebody is about to move disks onto this layer. */
  told(id: LayerId): void {
    this.#told.set(id, (this.#told.get(id) ?? 0) + 1)
  }

  /**
   * Where two were told and one has finished, the other may move disks onto the layer yet. That
   * does no harm while the layer stays where it is; so for as long no other work takes its place.
   */
  finished(id: LayerId): void {
    const others = (this.#told.get(id) ?? 0) - 1
    this.#told.delete(id)
    if (others > 0) this.#settling.set(id, performance.now() + movedWithinMs)
  }

  /** No work may be planned on these for now. */
  settling(): Set<LayerId> {
    for (const [id, until] of this.#settling) {
      if (performance.now() < until) continue
      this.#settling.delete(id)
      this.changed.layers.add(id)
      for (const each of this.waiting) this.changed.volumes.add(each)
      this.waiting.clear()
    }
    return new Set(this.#settling.keys())
  }

  /** Somebody is at this work just now, or waits to be. */
  isVisited(id: LayerId): boolean {
    return this.#turns.has(id)
  }

  /** One at a time works on a work; whoever comes second finds what the first has done. */
  async turn<T>(id: LayerId, visit: () => Promise<T>): Promise<T> {
    const entry = this.#turns.get(id) ?? { turn: oneAtATime(), visitors: 0 }
    this.#turns.set(id, entry)
    entry.visitors += 1
    try {
      return await entry.turn(visit)
    } finally {
      entry.visitors -= 1
      if (entry.visitors === 0) this.#turns.delete(id)
    }
  }
}
