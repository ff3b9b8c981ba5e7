/**
 * Where upkeep must look: what changed since it last looked. Noticed where it is written into the
 * memory, whichever verb writes it; after a start it is everything.
 */
import type { EngineMemory, EngineMemoryTx, EngineRecord } from "../../domain/engine-memory.ts"
import type { VolumeId } from "../../domain/ids.ts"
import type { LayerId } from "./layer-files.ts"

export class Changed {
  readonly layers = new Set<LayerId>()
  readonly volumes = new Set<VolumeId>()

  /** A record that was written, or was there before it was written or removed. */
  note({ kind, id, parent }: EngineRecord): void {
    if (kind === "volume") this.volumes.add(id as VolumeId)
    if (kind === "layer") this.layers.add(id as LayerId)
    // Who stands on a layer, or stood, decides what may be done with it.
    const about = kind === "volume" || kind === "layer" || kind === "point"
    if (about && parent !== null) this.layers.add(parent as LayerId)
  }
}

/** The same memory, with an eye on what is written. What fails to commit is noted all the same. */
export function noticed(
  memory: EngineMemory,
  eyes: readonly Pick<Changed, "note">[],
): EngineMemory {
  return {
    async transaction(work, durable) {
      const seen: EngineRecord[] = []
      try {
        return await memory.transaction((tx) => work(watched(tx, seen)), durable)
      } finally {
        for (const eye of eyes) for (const record of seen) eye.note(record)
      }
    },
    get: (kind, id) => memory.get(kind, id),
  }
}

function watched(tx: EngineMemoryTx, seen: EngineRecord[]): EngineMemoryTx {
  return {
    get: (kind, id) => tx.get(kind, id),
    children: (kind, parent) => tx.children(kind, parent),
    all: (kind) => tx.all(kind),
    async put(record) {
      // What stood on another layer before left that one, too.
      const before = record.kind === "point" ? undefined : await tx.get(record.kind, record.id)
      if (before !== undefined && before.parent !== record.parent) seen.push(before)
      seen.push(record)
      await tx.put(record)
    },
    async remove(kind, id) {
      const record = await tx.get(kind, id)
      if (record !== undefined) seen.push(record)
      await tx.remove(kind, id)
    },
  }
}
