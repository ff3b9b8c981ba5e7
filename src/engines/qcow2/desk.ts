/** What upkeep has in mind: plans that nobody began, and where to look next. Gone with the process. */

import type { VolumeId } from "../../domain/ids.ts"
import { type OneAtATime, oneAtATime } from "../../platform/one-at-a-time.ts"
import type { UpkeepLimits } from "../engine.ts"
import { Changed } from "./changed.ts"
import type { LayerId } from "./layer-files.ts"
import { Pace } from "./pace.ts"
import type { Work } from "./works.ts"

export type Plan = Pick<Work, "id" | "run" | "use" | "volume" | "bytes">

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
  readonly #turns = new Map<LayerId, { turn: OneAtATime; visitors: number }>()
  /** Pins of layers that upkeep has replaced and that some process may still have open. */
  readonly replaced = new Map<LayerId, Disposable>()

  constructor(limits: UpkeepLimits = {}) {
    this.limits = { ...usual, ...limits }
    this.pace = new Pace(this.limits.bytesPerSecond)
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
