/**
 * A disk's content as a stream, raw or sparse, and back: what engines have in common. In between
 * it is a row of pieces in the order of their offsets; what no piece covers is zero.
 */
import { pipeline } from "node:stream/promises"
import { Refusal } from "../domain/fault.ts"
import { frameHeader, readFrames, SparseFormatError } from "../domain/sparse.ts"
import { sectorBytes } from "../domain/volume.ts"
import { errorCode } from "../platform/files.ts"
import type { ByteSink, ByteSource, Watch } from "./engine.ts"

export type Piece = { offset: number; bytes: Buffer }

/** No piece is longer. */
export const pieceBytes = 1024 * 1024
/** Zeros are left out in blocks of this size, a layer's cluster. */
const blockBytes = 64 * 1024
const zeros = Buffer.alloc(pieceBytes)

// ---- in ------------------------------------------------------------------------------------

/** The pieces of a raw or sparse source, without zeros. Throws as `Engine.write` promises. */
export function piecesIn(
  source: ByteSource,
  sizeBytes: number,
  watch: Watch,
): AsyncGenerator<Piece> {
  const { format, lengthBytes } = source
  if (format === "qcow2") throw new Error("a qcow2 file is no row of pieces")
  if (format === "sparse") return sparsePieces(chunksOf(source, watch), sizeBytes)
  if (lengthBytes !== null && lengthBytes > sizeBytes) throw tooLarge(lengthBytes, sizeBytes)
  return rawPieces(chunksOf(source, watch), sizeBytes)
}

/** A source's chunks; what goes wrong with it, other than by our own abort, is an interruption. */
export async function* chunksOf(
  source: ByteSource,
  { signal, progress }: Watch,
): AsyncGenerator<Buffer> {
  signal.throwIfAborted()
  const stop = () => source.stream.destroy()
  signal.addEventListener("abort", stop)
  let received = 0
  const most = source.mostBytes ?? Number.POSITIVE_INFINITY
  try {
    // The stream is left to its owner: whoever answers the sender may need its connection.
    for await (const chunk of source.stream.iterator({ destroyOnReturn: false })) {
      const bytes = typeof chunk === "string" ? Buffer.from(chunk) : asBuffer(chunk)
      received += bytes.length
      if (received > most) throw tooLarge(received, most)
      progress(received, source.lengthBytes ?? 0)
      yield bytes
    }
  } catch (cause) {
    signal.throwIfAborted()
    throw cause instanceof Refusal ? cause : interrupted()
  } finally {
    signal.removeEventListener("abort", stop)
  }
  signal.throwIfAborted()
  if (source.lengthBytes !== null && received < source.lengthBytes) throw interrupted()
}

const interrupted = () => new Refusal({ kind: "interrupted", what: "the transfer" })
const asBuffer = (chunk: Uint8Array): Buffer =>
  Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)

export const tooLarge = (bytes: number, atMost: number): Refusal =>
  new Refusal({ kind: "size", what: "the content", bytes, atMost })

/** The last piece is filled up to a whole sector. */
async function* rawPieces(chunks: AsyncIterable<Buffer>, sizeBytes: number) {
  let block = Buffer.allocUnsafeSlow(pieceBytes)
  let offset = 0
  let filled = 0
  for await (const chunk of chunks) {
    if (offset + filled + chunk.length > sizeBytes) {
      throw tooLarge(offset + filled + chunk.length, sizeBytes)
    }
    for (let at = 0; at < chunk.length; ) {
      const copied = chunk.copy(block, filled, at)
      at += copied
      filled += copied
      if (filled < pieceBytes) continue
      yield* withoutZeros({ offset, bytes: block })
      offset += pieceBytes
      filled = 0
      block = Buffer.allocUnsafeSlow(pieceBytes)
    }
  }
  const rest = block.subarray(0, Math.ceil(filled / sectorBytes) * sectorBytes)
  yield* withoutZeros({ offset, bytes: rest.fill(0, filled) })
}

async function* sparsePieces(chunks: AsyncIterable<Buffer>, sizeBytes: number) {
  let ended = false
  const watched = (async function* () {
    yield* chunks
    ended = true
  })()
  try {
    const frames = readFrames(watched)
    let next = await frames.next()
    for (; !next.done; next = await frames.next()) {
      const { offset, data } = next.value
      if (offset + data.length > sizeBytes) throw tooLarge(offset + data.length, sizeBytes)
      yield* withoutZeros({ offset, bytes: asBuffer(data) })
    }
    if (next.value > sizeBytes) throw tooLarge(next.value, sizeBytes)
    for await (const chunk of watched) {
      if (chunk.length > 0) throw new SparseFormatError("bytes after the last frame")
    }
  } catch (cause) {
    if (!(cause instanceof SparseFormatError)) throw cause
    if (ended) throw interrupted()
    throw new Refusal({ kind: "bad-image", why: `not a sparse stream: ${cause.message}` })
  }
}

/** The runs of a piece that hold something. */
function* withoutZeros({ offset, bytes }: Piece): Generator<Piece> {
  let start = 0
  let end = 0
  for (let at = 0; at < bytes.length; at = end) {
    end = Math.min(bytes.length, at + blockBytes - ((offset + at) % blockBytes))
    const isZero = bytes.subarray(at, end).equals(zeros.subarray(0, end - at))
    if (!isZero && end - start <= pieceBytes) continue
    if (at > start) yield { offset: offset + start, bytes: bytes.subarray(start, at) }
    start = isZero ? end : at
  }
  if (end > start) yield { offset: offset + start, bytes: bytes.subarray(start, end) }
}

// ---- out -----------------------------------------------------------------------------------

/** Pours a disk's pieces into a sink for raw or sparse; resolves when the sink has it all. */
export async function pourPieces(
  pieces: AsyncIterable<Piece>,
  sizeBytes: number,
  sink: ByteSink,
  watch: Watch,
): Promise<void> {
  if (sink.format === "qcow2") throw new Error("a qcow2 file is no row of pieces")
  const raw = sink.format === "raw"
  const told = withProgress(pieces, sizeBytes, watch)
  const bytes = raw ? rawBytes(told, sizeBytes) : sparseBytes(told, sizeBytes)
  await pour(bytes, raw ? sizeBytes : null, sink, watch)
}

async function* withProgress(pieces: AsyncIterable<Piece>, sizeBytes: number, watch: Watch) {
  for await (const piece of pieces) {
    yield piece
    watch.progress(piece.offset + piece.bytes.length, sizeBytes)
  }
  watch.progress(sizeBytes, sizeBytes)
}

async function* rawBytes(pieces: AsyncIterable<Piece>, sizeBytes: number) {
  let end = 0
  for await (const { offset, bytes } of pieces) {
    yield* zeroBytes(offset - end)
    yield bytes
    end = offset + bytes.length
  }
  yield* zeroBytes(sizeBytes - end)
}

function* zeroBytes(length: number): Generator<Buffer> {
  for (let left = length; left > 0; left -= pieceBytes) {
    yield left >= pieceBytes ? zeros : zeros.subarray(0, left)
  }
}

async function* sparseBytes(pieces: AsyncIterable<Piece>, sizeBytes: number) {
  for await (const piece of pieces) {
    for (const { offset, bytes } of withoutZeros(piece)) {
      yield frameHeader(offset, bytes.length)
      yield bytes
    }
  }
  yield frameHeader(sizeBytes, 0)
}

/** Waits for the sink where it is slow; one that hangs up is an interruption. */
export async function pour(
  bytes: AsyncIterable<Uint8Array>,
  lengthBytes: number | null,
  sink: ByteSink,
  { signal }: Watch,
): Promise<void> {
  signal.throwIfAborted()
  try {
    await pipeline(bytes, sink.open(lengthBytes), { signal })
  } catch (cause) {
    signal.throwIfAborted()
    const hungUp = ["ERR_STREAM_PREMATURE_CLOSE", "EPIPE", "ECONNRESET"]
    if (!hungUp.includes(errorCode(cause) ?? "")) throw cause
    throw interrupted()
  }
}
