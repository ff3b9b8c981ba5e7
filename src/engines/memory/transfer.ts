/** Content as streams: in as a new layer that takes the head's place, out as what a layer shows. */
import { Refusal } from "../../domain/fault.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"
import type { ByteSink, ByteSource, Watch } from "../engine.ts"
import { pieceBytes, piecesIn, pourPieces } from "../streams.ts"
import { type Store, settled } from "./openers.ts"
import { headOf, pointOf, putHead } from "./records.ts"
import { readTree } from "./tree.ts"
import { MemoryLayer } from "./world.ts"

export async function write(store: Store, volume: VolumeId, source: ByteSource, watch: Watch) {
  if (source.format === "qcow2") throw noQcow2()
  const { memory, layers } = store
  await settled(store, volume)
  const { sizeBytes } = await memory.transaction((tx) => headOf(tx, volume))
  const content = new MemoryLayer(null, sizeBytes)
  for await (const { offset, bytes } of piecesIn(source, sizeBytes, watch)) {
    content.write(offset, bytes)
  }
  await memory.transaction(async (tx) => {
    const now = await headOf(tx, volume)
    const layer = await layers.record(tx, { parent: null, volume, equals: null }, content)
    await putHead(tx, { ...now, layer, armed: null })
  })
  await layers.sweep()
}

export async function read(
  store: Store,
  of: { volume: VolumeId } | { point: PointId },
  sink: ByteSink,
  watch: Watch,
): Promise<void> {
  if (sink.format === "qcow2") throw noQcow2()
  const { memory, layers } = store
  if ("volume" in of) await settled(store, of.volume)
  const { layer, pin } = await memory.transaction(async (tx) => {
    const found = "volume" in of ? await headOf(tx, of.volume) : await pointOf(tx, of.point)
    const tree = await readTree(tx)
    return { layer: layers.shown(tree, found.layer), pin: layers.pin(tree, found.layer) }
  })
  using _held = pin
  await pourPieces(contentOf(layer), layer.sizeBytes, sink, watch)
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
