/** The bytes of a served disk, moved through our own client with several requests in flight. */
import type { Nbd } from "../../platform/nbd.ts"
import { type Piece, pieceBytes } from "../streams.ts"

const inFlight = 8

/** Writes the pieces and flushes: all of it is durable when it resolves. */
export async function fill(nbd: Nbd, pieces: AsyncIterable<Piece>): Promise<void> {
  const running = new Set<Promise<void>>()
  const failures: unknown[] = []
  for await (const { offset, bytes } of pieces) {
    const write = nbd
      .write(offset, bytes)
      .catch((cause: unknown) => {
        failures.push(cause)
      })
      .finally(() => running.delete(write))
    running.add(write)
    if (running.size >= inFlight) await Promise.race(running)
    if (failures.length > 0) break
  }
  await Promise.all(running)
  if (failures.length > 0) throw failures[0]
  await nbd.flush()
}

/** What holds data, in order, read several pieces ahead. */
export async function* dataOf(nbd: Nbd, signal: AbortSignal): AsyncGenerator<Piece> {
  const ahead: { offset: number; bytes: Promise<Buffer> }[] = []
  for await (const { offset, length } of dataExtents(nbd, signal)) {
    for (let at = offset; at < offset + length; at += pieceBytes) {
      const bytes = nbd.read(at, Math.min(pieceBytes, offset + length - at))
      bytes.catch(() => {}) // told where it is awaited
      ahead.push({ offset: at, bytes })
      if (ahead.length >= inFlight) yield* landed(ahead.splice(0, 1))
    }
  }
  yield* landed(ahead)
}

async function* landed(reads: readonly { offset: number; bytes: Promise<Buffer> }[]) {
  for (const { offset, bytes } of reads) yield { offset, bytes: await bytes }
}

/** A request's length is 32 bits wide; a gibibyte at once is soon answered. */
const askedAtOnceBytes = 2 ** 30

async function* dataExtents(nbd: Nbd, signal: AbortSignal) {
  for (let offset = 0; offset < nbd.sizeBytes; ) {
    signal.throwIfAborted()
    const extents = await nbd.extents(offset, Math.min(askedAtOnceBytes, nbd.sizeBytes - offset))
    if (extents.length === 0) throw new Error("the block device does not say what it holds")
    for (const extent of extents) {
      const length = Math.min(extent.length, nbd.sizeBytes - extent.offset)
      if (!extent.zero) yield { offset: extent.offset, length }
      offset = extent.offset + length
    }
  }
}
