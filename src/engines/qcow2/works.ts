/**
 * Begun upkeep, as remembered: a run of frozen layers that one new layer takes the place of. The
 * work is called by the new layer's id.
 *
 * Record:  upkeep <new layer>  parent: the run's top  {run, use, volume, state, copied, ...}
 */
import type { EngineMemoryTx, EngineRecord } from "../../domain/engine-memory.ts"
import type { VolumeId } from "../../domain/ids.ts"
import type { LayerId } from "./layer-files.ts"

export type Work = {
  id: LayerId
  /** The lowest first, each standing on the one before it. */
  run: readonly LayerId[]
  /**
   * A merge takes the place of its run entirely. A skip layer takes over those who stand on the
   * run's top; the run stays for the points on it.
   */
  use: "merge" | "skip"
  /** One whose path it shortens. */
  volume: VolumeId
  /** To be copied, at most. */
  bytes: number
  /** `spoilt`: the top may change again, so what was copied of it counts for nothing. */
  state: "building" | "built" | "committed" | "spoilt"
  /** How far the copy has come, durably, and of which layout. */
  copied: { clusters: number; layout: string }
  /** Once committed: who stands on the new layer now, and what went. */
  moved: readonly LayerId[]
  gone: readonly LayerId[]
}

export class Works {
  readonly #tx: EngineMemoryTx

  constructor(tx: EngineMemoryTx) {
    this.#tx = tx
  }

  async get(id: LayerId): Promise<Work | undefined> {
    const record = await this.#tx.get("upkeep", id)
    return record === undefined ? undefined : readWork(record)
  }

  async all(): Promise<Work[]> {
    return (await this.#tx.all("upkeep")).map(readWork)
  }

  async put({ id, ...body }: Work): Promise<void> {
    await this.#tx.put({ kind: "upkeep", id, parent: body.run.at(-1) ?? null, body })
  }

  remove(id: LayerId): Promise<void> {
    return this.#tx.remove("upkeep", id)
  }

  /** A layer may change again: whatever was copied of it is not its content any more. */
  async spoil(top: LayerId): Promise<void> {
    for (const work of (await this.#tx.children("upkeep", top)).map(readWork)) {
      if (work.state !== "committed") await this.put({ ...work, state: "spoilt" })
    }
  }
}

/** The layers that begun work is about: no other work may touch them. */
export const layersOf = ({ id, run }: Pick<Work, "id" | "run">): LayerId[] => [...run, id]

const readWork = ({ id, body }: EngineRecord): Work => ({
  ...(body as Omit<Work, "id">),
  id: id as LayerId,
})
