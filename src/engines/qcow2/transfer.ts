/**
 * Bytes into a volume and out of a volume or point.
 *
 * What comes in fills a new layer that stands on nothing; the head moves onto it in one commit at
 * the very end. The layer is recorded as doomed before it is made, so whatever goes wrong, in
 * whatever way, it is swept like any other and the old content stands.
 */
import type { PointId, VolumeId } from "../../domain/ids.ts"
import { CommandFailed } from "../../platform/command.ts"
import { isOutOfSpace } from "../../platform/files.ts"
import type { ByteSink, ByteSource, Watch } from "../engine.ts"
import { piecesIn, pourPieces } from "../streams.ts"
import { inspect } from "./foreign-image.ts"
import { chainNodes, diskNode } from "./graph.ts"
import { type LayerId, newLayerId } from "./layer-files.ts"
import { expectSame, settledHead } from "./openers.ts"
import { copyIn, copyOut } from "./qemu-img.ts"
import { reclaim } from "./reclaim.ts"
import { dataOf, fill } from "./served-bytes.ts"
import { emptySpooled, pourSpooled, spool, spooled } from "./spool.ts"
import { type Served, serve } from "./storage-daemon.ts"
import { finishRemoval, type Store } from "./store.ts"
import { freshLayer, type Head, inTree, type Layer } from "./tree.ts"

export async function write(
  store: Store,
  volume: VolumeId,
  source: ByteSource,
  watch: Watch,
): Promise<void> {
  const head = await store.steady.shared(() => settledHead(store, volume))
  const { sizeBytes } = head
  await inWords(store, source.lengthBytes ?? sizeBytes, async () => {
    if (source.format === "qcow2") return await writeImage(store, head, source, watch)
    const pieces = piecesIn(source, sizeBytes, watch)
    await replaceContent(store, head, ({ nbd }) => fill(nbd, pieces))
  })
}

/** Seen through before anything is made; the upload is the first half of it, the copy the other. */
async function writeImage(store: Store, head: Head, source: ByteSource, watch: Watch) {
  const { signal, progress } = watch
  await spooled(store, async (name) => {
    await spool(store, name, source, head.sizeBytes, {
      signal,
      progress: (done, total) => progress(done, 2 * total),
    })
    const sizeBytes = await inspect(store, name, head.sizeBytes)
    await replaceContent(store, head, async ({ nbd, node }) => {
      await copyIn(store, { name, sizeBytes }, node, {
        signal,
        progress: (done, total) => progress(total + done, 2 * total),
      })
      await nbd.flush()
    })
  })
}

async function replaceContent(
  store: Store,
  head: Head,
  fillIt: (served: Served) => Promise<void>,
): Promise<void> {
  const { memory, layers } = store
  const { sizeBytes, volume } = head
  const made = freshLayer({ id: newLayerId(), parent: null, sizeBytes, volume })
  const layer: Layer = { ...made, doomed: true }
  layers.unrecorded.add(layer.id)
  try {
    await inTree(memory, (tree) => tree.putLayer(layer))
    await layers.create(layer.id, layer)
    layers.handedOut(layer.id)
    await serve(store, servedChain(store, [layer], true), fillIt)
    await layers.settle(layer.id)
    const { doomed, due } = await inTree(memory, async (tree) => {
      expectSame(head, await tree.headOf(head.volume))
      await tree.putLayer({ ...layer, doomed: false })
      await tree.putHead({ ...head, layer: layer.id })
      const doomed = await tree.letGo(head.layer)
      return { doomed, due: await tree.dueBelow(head.layer) }
    })
    await finishRemoval(store, doomed)
    await reclaim(store, due)
  } catch (cause) {
    await sweepUnlessTaken(store, layer.id)
    throw cause
  } finally {
    layers.unrecorded.delete(layer.id)
  }
}

/** The failure may have been the commit's own, with the commit done: only the record knows. */
async function sweepUnlessTaken(store: Store, id: LayerId): Promise<void> {
  const record = await inTree(store.memory, (tree) => tree.layer(id))
  if (record?.doomed) await finishRemoval(store, [id])
}

export async function read(
  store: Store,
  of: { volume: VolumeId } | { point: PointId },
  sink: ByteSink,
  watch: Watch,
): Promise<void> {
  const { chain, ...pinned } = await store.steady.shared(() => pinnedChain(store, of))
  try {
    await inWords(store, chain.at(-1)?.sizeBytes ?? 0, () =>
      serve(store, servedChain(store, chain, false), async ({ nbd, node }) => {
        const { sizeBytes } = nbd
        if (sink.format !== "qcow2") {
          return await pourPieces(dataOf(nbd, watch.signal), sizeBytes, sink, watch)
        }
        await spooled(store, async (name) => {
          await emptySpooled(store, name)
          await copyOut(store, { node, sizeBytes }, name, watch)
          await pourSpooled(store, name, sink, watch)
        })
      }),
    )
  } finally {
    pinned[Symbol.dispose]()
    await finishRemoval(store, [])
  }
}

/** Nobody moves the daemon that reads these, so they stay until it has ended. */
async function pinnedChain(
  store: Store,
  of: { volume: VolumeId } | { point: PointId },
): Promise<{ chain: Layer[] } & Disposable> {
  const settled = "volume" in of ? await settledHead(store, of.volume) : null
  return await inTree(store.memory, async (tree) => {
    const layer = "point" in of ? (await tree.layerOf(of.point)).id : settled?.layer
    const chain = layer === undefined ? [] : await tree.chain(layer)
    return { chain, ...store.pins.hold(chain.map(({ id }) => id)) }
  })
}

function servedChain(store: Store, chain: readonly Layer[], writable: boolean) {
  const top = chain.at(-1)
  if (top === undefined) throw new Error("a chain without layers")
  const nodes = chainNodes(chain, { directIo: store.directIo, writable })
  return { nodes, top: diskNode(top.id), writable }
}

/** Wherever a full disk was met, it is told in the same words. */
async function inWords(store: Store, neededBytes: number, work: () => Promise<void>) {
  try {
    await work()
  } catch (cause) {
    const said = cause instanceof CommandFailed && /No space left on device/.test(cause.stderr)
    throw said || isOutOfSpace(cause) ? await store.layers.noSpace(neededBytes) : cause
  }
}
