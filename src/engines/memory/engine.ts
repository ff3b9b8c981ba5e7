/**
 * The engine without a disk, and the first one to read: everything the contract promises, kept
 * with objects. Bytes are in the world's layers, pointers to them in the lent memory:
 *
 *   volume <volume>  {layer, armed, sizeBytes}     point <point>  {layer, volume}
 *
 * The order is always the same: make the layer, then record it. A layer that no record reaches is
 * rubbish, swept when something is dropped and at start.
 */
import type { DiskGraph, DiskSwitch, Restack } from "../../domain/disk.ts"
import type { EngineMemory } from "../../domain/engine-memory.ts"
import { Refusal } from "../../domain/fault.ts"
import type { Finding } from "../../domain/finding.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"
import { diskBytesOf } from "../disk-size.ts"
import type {
  ByteSink,
  ByteSource,
  Change,
  Engine,
  EngineConfig,
  EngineHouse,
  Origin,
  Space,
  Upkeep,
  Watch,
} from "../engine.ts"
import { pieceBytes, piecesIn, pourPieces } from "../streams.ts"
import { checkVolumeSize } from "../volume-size.ts"
import { Layers } from "./layers.ts"
import { type Head, head, headOf, point, pointOf, putHead, putPoint } from "./records.ts"
import { MemoryLayer, newWorld, type World } from "./world.ts"

export async function openMemoryEngine(
  _config: EngineConfig,
  world: World = newWorld(),
): Promise<EngineHouse> {
  const unrecorded = new Set<string>()
  return { with: (memory) => new MemoryEngine(new Layers(world, unrecorded, memory), memory) }
}

class MemoryEngine implements Engine {
  readonly diskBytes = diskBytesOf
  readonly can = { switchWhileRunning: true }
  readonly #layers: Layers
  readonly #memory: EngineMemory

  constructor(layers: Layers, memory: EngineMemory) {
    this.#layers = layers
    this.#memory = memory
  }

  // ---- heads -----------------------------------------------------------------------------

  async createHead(volume: VolumeId, { sizeBytes, point }: Origin): Promise<void> {
    checkVolumeSize(sizeBytes)
    const parent = await this.#memory.transaction(async (tx) => {
      if ((await head(tx, volume)) !== undefined) return "there already"
      return point === undefined ? null : (await pointOf(tx, point)).layer
    })
    if (parent === "there already") return
    await this.#layers.make(parent, sizeBytes, async (tx, layer) => {
      if (point !== undefined) await pointOf(tx, point)
      await putHead(tx, { volume, layer, armed: null, sizeBytes })
    })
  }

  async dropHead(volume: VolumeId): Promise<void> {
    await this.#memory.transaction((tx) => tx.remove("volume", volume))
    await this.#layers.sweep()
  }

  async revertHead(volume: VolumeId, to: PointId, keep: PointId): Promise<void> {
    if (await this.hasPoint(keep)) return
    const { layer: old, sizeBytes } = await this.#settled(volume)
    const { layer: parent } = await this.#memory.transaction((tx) => pointOf(tx, to))
    await this.#layers.make(parent, sizeBytes, async (tx, layer) => {
      await pointOf(tx, to)
      await putPoint(tx, { id: keep, layer: old, volume })
      await putHead(tx, { volume, layer, armed: null, sizeBytes })
    })
    this.#layers.get(old).frozen = true
  }

  async unrevertHead(volume: VolumeId, keep: PointId): Promise<void> {
    const kept = await this.#memory.transaction((tx) => point(tx, keep))
    if (kept === undefined) return
    const { sizeBytes } = await this.#settled(volume)
    await this.#layers.make(kept.layer, sizeBytes, async (tx, layer) => {
      await tx.remove("point", keep)
      await putHead(tx, { volume, layer, armed: null, sizeBytes })
    })
    await this.#layers.sweep()
  }

  // ---- points ----------------------------------------------------------------------------

  async createPoint(volume: VolumeId, id: PointId): Promise<void> {
    if (await this.hasPoint(id)) return
    const { layer: old, sizeBytes } = await this.#settled(volume)
    await this.#layers.make(old, sizeBytes, async (tx, layer) => {
      await putPoint(tx, { id, layer: old, volume })
      await putHead(tx, { volume, layer, armed: null, sizeBytes })
    })
    this.#layers.get(old).frozen = true
  }

  async dropPoint(id: PointId): Promise<void> {
    await this.#memory.transaction((tx) => tx.remove("point", id))
    await this.#layers.sweep()
  }

  hasPoint(id: PointId): Promise<boolean> {
    return this.#memory.transaction(async (tx) => (await point(tx, id)) !== undefined)
  }

  // ---- while a process has the volume open ------------------------------------------------

  async open(volume: VolumeId): Promise<DiskGraph & Disposable> {
    const { layer, sizeBytes } = await this.#settled(volume)
    const nodes = [this.#node(layer)]
    return { volume, nodes, top: layer, sizeBytes, [Symbol.dispose]: () => {} }
  }

  async arm(volume: VolumeId): Promise<DiskSwitch> {
    const now = await this.#memory.transaction((tx) => headOf(tx, volume))
    if (now.armed !== null) return this.#switch(now, now.armed)
    return await this.#layers.make(now.layer, now.sizeBytes, async (tx, overlay) => {
      await putHead(tx, { ...now, armed: overlay })
      return this.#switch(now, overlay)
    })
  }

  async switched(volumes: readonly { volume: VolumeId; point: PointId | null }[]): Promise<void> {
    await this.#memory.transaction(async (tx) => {
      for (const { volume, point: id } of volumes) {
        if (id !== null && (await point(tx, id)) !== undefined) continue
        const { layer, armed, sizeBytes } = await headOf(tx, volume)
        if (armed === null && id === null) continue
        if (armed === null) throw new Error(`volume ${volume} was not armed`)
        if (id !== null) await putPoint(tx, { id, layer, volume })
        await putHead(tx, { volume, layer: armed, armed: null, sizeBytes })
      }
    })
  }

  // ---- bytes -----------------------------------------------------------------------------

  async write(volume: VolumeId, source: ByteSource, watch: Watch): Promise<void> {
    if (source.format === "qcow2") throw noQcow2()
    const { sizeBytes } = await this.#settled(volume)
    const content = new MemoryLayer(null, sizeBytes)
    for await (const { offset, bytes } of piecesIn(source, sizeBytes, watch)) {
      content.write(offset, bytes)
    }
    await this.#layers.record(content, async (tx, layer) => {
      await putHead(tx, { volume, layer, armed: null, sizeBytes })
    })
    await this.#layers.sweep()
  }

  async read(of: { volume: VolumeId } | { point: PointId }, sink: ByteSink, watch: Watch) {
    if (sink.format === "qcow2") throw noQcow2()
    const { layer: id } =
      "volume" in of
        ? await this.#settled(of.volume)
        : await this.#memory.transaction((tx) => pointOf(tx, of.point))
    const layer = this.#layers.get(id)
    await pourPieces(contentOf(layer), layer.sizeBytes, sink, watch)
  }

  async space(ids: readonly PointId[]) {
    const found = await this.#memory.transaction((tx) =>
      Promise.all(ids.map((id) => point(tx, id))),
    )
    const spaces = new Map<PointId, Space>()
    for (const kept of found) if (kept) spaces.set(kept.id, await this.#layers.spaceOf(kept))
    return spaces
  }

  async freed(_points: readonly PointId[]): Promise<number> {
    throw new Error("not yet")
  }
  async usage(): Promise<Map<VolumeId, number>> {
    throw new Error("not yet")
  }
  async changes(_from: PointId | null, _to: PointId): Promise<Change[]> {
    throw new Error("not yet")
  }

  // ---- upkeep ------------------------------------------------------------------------------

  async upkeep(_pressing?: VolumeId): Promise<Upkeep[]> {
    return []
  }
  async prepare(_work: Upkeep["id"], _watch: Watch): Promise<void> {}
  async commit(_work: Upkeep["id"]): Promise<Restack | null> {
    return null
  }
  async finish(_work: Upkeep["id"]): Promise<void> {}
  async abandon(_work: Upkeep["id"]): Promise<void> {}

  // ---- house-keeping ---------------------------------------------------------------------

  async recover(): Promise<void> {
    await this.#layers.sweep()
  }

  async holdings() {
    return await this.#memory.transaction(async (tx) => ({
      volumes: (await tx.all("volume")).map(({ id }) => id as VolumeId),
      points: (await tx.all("point")).map(({ id }) => id as PointId),
    }))
  }

  async examine(): Promise<Finding[]> {
    const found = [...(await this.#layers.leaked()), ...(await this.#layers.missing())]
    return found.map((what) => ({ severity: "wrong", what, remedy: null }))
  }

  async salvage(): Promise<never> {
    const why = "what is in memory has no files to read it from"
    throw new Refusal({ kind: "unsupported", what: "salvaging", why })
  }

  async close(): Promise<void> {}

  // ---- details ---------------------------------------------------------------------------

  #node(id: string) {
    return { driver: "memory", "node-name": id, layer: this.#layers.get(id) }
  }

  #switch({ volume, layer }: Head, overlay: string): DiskSwitch {
    const apply = () => {
      this.#layers.get(layer).frozen = true
    }
    return {
      volume,
      from: layer,
      to: overlay,
      nodes: [this.#node(overlay)],
      actions: [{ type: "memory-snapshot", data: { apply } }],
    }
  }

  /** The recovery rule: an armed overlay that holds something was switched to; an empty one goes. */
  async #settled(volume: VolumeId): Promise<Head> {
    const now = await this.#memory.transaction((tx) => headOf(tx, volume))
    if (now.armed === null) return now
    const empty = this.#layers.get(now.armed).isEmpty
    const settled = { ...now, layer: empty ? now.layer : now.armed, armed: null }
    await this.#memory.transaction((tx) => putHead(tx, settled))
    if (empty) this.#layers.get(now.layer).frozen = false
    await this.#layers.sweep()
    return settled
  }
}

async function* contentOf(layer: MemoryLayer) {
  for (const { offset, length } of layer.writtenRuns()) {
    for (let at = 0; at < length; at += pieceBytes) {
      const bytes = layer.read(offset + at, Math.min(pieceBytes, length - at))
      yield { offset: offset + at, bytes }
    }
  }
}

const noQcow2 = () =>
  new Refusal({
    kind: "unsupported",
    what: "the format qcow2",
    why: "the memory engine takes raw and sparse content only",
  })
