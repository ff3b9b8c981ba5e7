/**
 * The maps of the layers, kept in memory as long as there is room for them. A frozen layer's is
 * read once; that of a head each time.
 */
import { statSync } from "node:fs"
import type { LayerFiles, LayerId } from "./layer-files.ts"
import { type LayerMap, readLayerMap } from "./layer-map.ts"

const keptBytes = 24 * 2 ** 20

type Kept = { map: LayerMap; written: string }

export class LayerMaps {
  readonly #layers: LayerFiles
  readonly #roomBytes: number
  /** The one used longest ago first. */
  readonly #kept = new Map<LayerId, Kept>()
  #bytes = 0

  constructor(layers: LayerFiles, roomBytes: number = keptBytes) {
    this.#layers = layers
    this.#roomBytes = roomBytes
  }

  /** `frozen`: nobody writes into it while it is. */
  async of(id: LayerId, { frozen }: { frozen: boolean }): Promise<LayerMap> {
    const path = this.#layers.path(id)
    if (!frozen) return await readLayerMap(path)
    // It may have been a head again since, so what is kept is only good for the file as it was.
    const written = this.written(id)
    const kept = this.#kept.get(id)
    this.forget(id)
    const map = kept?.written === written ? kept.map : await readLayerMap(path)
    this.#keep(id, { map, written })
    return map
  }

  /** While this text is the same, so is the file. Over before a thread for it would have begun. */
  written(id: LayerId): string {
    const { mtimeNs, size } = statSync(this.#layers.path(id), { bigint: true })
    return `${mtimeNs}/${size}`
  }

  forget(id: LayerId): void {
    this.#bytes -= this.#kept.get(id)?.map.memoryBytes ?? 0
    this.#kept.delete(id)
  }

  #keep(id: LayerId, kept: Kept): void {
    this.forget(id)
    this.#kept.set(id, kept)
    this.#bytes += kept.map.memoryBytes
    for (const [oldest] of this.#kept) {
      if (this.#bytes <= this.#roomBytes) return
      this.forget(oldest)
    }
  }
}
