/**
 * A disk as a stream without its holes, so that a thin terabyte travels as the bytes it holds.
 *
 * The stream is a row of frames: offset (8 bytes, big endian), length (4 bytes, big endian), then
 * that many bytes of data. Offsets grow; what no frame covers is zero. The last frame has length 0
 * and the disk's whole size as its offset: a stream that lacks it was cut off.
 */
export const sparseType = "application/vnd.tintype.sparse"
export const frameHeaderBytes = 12
export const largestFrameBytes = 4 * 2 ** 20

export type Frame = { offset: number; data: Uint8Array }

export function frameHeader(offset: number, length: number): Uint8Array {
  const header = new Uint8Array(frameHeaderBytes)
  const view = new DataView(header.buffer)
  view.setBigUint64(0, BigInt(offset))
  view.setUint32(8, length)
  return header
}

export class SparseFormatError extends Error {}

/** The frames of a stream; returns the disk's size, throws `SparseFormatError` when cut or bent. */
export async function* readFrames(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<Frame, number, void> {
  const pieces = new Pieces(chunks)
  let end = 0
  for (;;) {
    const header = await pieces.take(frameHeaderBytes)
    const view = new DataView(header.buffer, header.byteOffset)
    const offset = Number(view.getBigUint64(0))
    const length = view.getUint32(8)
    if (offset < end || !Number.isSafeInteger(offset)) {
      throw new SparseFormatError(`frame at ${offset} lies before ${end}`)
    }
    if (length === 0) return offset
    if (length > largestFrameBytes) throw new SparseFormatError(`frame of ${length} bytes`)
    yield { offset, data: await pieces.take(length) }
    end = offset + length
  }
}

/** Cuts a stream of chunks of any size into pieces of the size asked for. */
class Pieces {
  readonly #chunks: AsyncIterator<Uint8Array>
  #rest: Uint8Array = new Uint8Array(0)

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#chunks = chunks[Symbol.asyncIterator]()
  }

  async take(length: number): Promise<Uint8Array> {
    if (this.#rest.length >= length) return this.#cut(length)
    const piece = new Uint8Array(length)
    let filled = 0
    for (;;) {
      const part = this.#cut(Math.min(this.#rest.length, length - filled))
      piece.set(part, filled)
      filled += part.length
      if (filled === length) return piece
      const next = await this.#chunks.next()
      if (next.done) throw new SparseFormatError("the stream ends before its last frame")
      this.#rest = next.value
    }
  }

  #cut(length: number): Uint8Array {
    const part = this.#rest.subarray(0, length)
    this.#rest = this.#rest.subarray(length)
    return part
  }
}
