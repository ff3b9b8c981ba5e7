/**
 * Files with holes, as the frames of `domain/sparse.ts`: a thin terabyte with a gigabyte in it is
 * read, sent and written as a gigabyte.
 */
import { execFile } from "node:child_process"
import type { FileHandle } from "node:fs/promises"
import { promisify } from "node:util"
import { frameHeader, frameHeaderBytes, readFrames } from "../domain/sparse.ts"

export type Extent = { start: number; length: number }

const pieceBytes = 2 ** 20
const blockBytes = 2 ** 16
const zeros = Buffer.alloc(blockBytes)

/**
 * Where a raw file holds data. `qemu-img map` asks the file system (SEEK_DATA), which Node cannot;
 * without it, and for what it cannot open, all of the file is data.
 */
export async function dataExtents(path: string, sizeBytes: number): Promise<Extent[]> {
  const argv = ["map", "--output=json", "-f", "raw", "--", path]
  const limits = { timeout: 60_000, maxBuffer: 256 * 2 ** 20 }
  try {
    const { stdout } = await promisify(execFile)("qemu-img", argv, limits)
    type Mapped = Extent & { data: boolean; zero: boolean }
    const mapped = JSON.parse(stdout) as Mapped[]
    return mapped
      .filter((extent) => extent.data && !extent.zero && extent.start < sizeBytes)
      .map(({ start, length }) => ({ start, length: Math.min(length, sizeBytes - start) }))
  } catch {
    return sizeBytes === 0 ? [] : [{ start: 0, length: sizeBytes }]
  }
}

/** The pieces of these extents, in order. Throws if the file has become shorter. */
export async function* readExtents(
  file: FileHandle,
  extents: readonly Extent[],
): AsyncGenerator<{ offset: number; data: Buffer }> {
  for (const { start, length } of extents) {
    for (let offset = start; offset < start + length; ) {
      const piece = Buffer.allocUnsafe(Math.min(pieceBytes, start + length - offset))
      const { bytesRead } = await file.read(piece, 0, piece.length, offset)
      if (bytesRead === 0) throw new Error("the file became shorter while it was read")
      yield { offset, data: piece.subarray(0, bytesRead) }
      offset += bytesRead
    }
  }
}

/** Pieces of something that cannot be sought in, such as a pipe. */
export async function* readInOrder(
  chunks: AsyncIterable<Buffer>,
): AsyncGenerator<{ offset: number; data: Buffer }> {
  let offset = 0
  for await (const data of chunks) {
    yield { offset, data }
    offset += data.length
  }
}

/** Frames of what is not zero in these pieces, and the last frame: the whole size. */
export async function* frames(
  pieces: AsyncIterable<{ offset: number; data: Buffer }>,
  sizeBytes: number | null,
): AsyncGenerator<Uint8Array> {
  let end = 0
  for await (const { offset, data } of pieces) {
    for (const run of runsOfData(data)) {
      yield frameHeader(offset + run.start, run.length)
      yield data.subarray(run.start, run.start + run.length)
    }
    end = offset + data.length
  }
  yield frameHeader(sizeBytes ?? end, 0)
}

/** How many bytes `frames` makes of these extents at most: every other block may be zero. */
export function framedBytes(extents: readonly Extent[]): number {
  const framed = ({ length }: Extent) =>
    length + frameHeaderBytes * (Math.ceil(length / pieceBytes) + Math.ceil(length / blockBytes))
  return extents.reduce((sum, extent) => sum + framed(extent), frameHeaderBytes)
}

/** Runs of blocks that are not all zero; none is longer than the piece, so none than a frame. */
function runsOfData(data: Buffer): Extent[] {
  const runs: Extent[] = []
  for (let start = 0; start < data.length; start += blockBytes) {
    const block = data.subarray(start, start + blockBytes)
    if (block.equals(zeros.subarray(0, block.length))) continue
    const last = runs.at(-1)
    if (last !== undefined && last.start + last.length === start) last.length += block.length
    else runs.push({ start, length: block.length })
  }
  return runs
}

/**
 * Writes a stream of frames into an empty file; what no frame covers stays a hole. Returns the
 * disk's size. The stream is read to its end, so that the server knows all of it has arrived.
 */
export async function writeFrames(
  file: FileHandle,
  chunks: AsyncIterable<Uint8Array>,
  watch: (doneBytes: number) => void,
): Promise<number> {
  const source = chunks[Symbol.asyncIterator]()
  const stream = readFrames({ [Symbol.asyncIterator]: () => source })
  for (;;) {
    const next = await stream.next()
    if (next.done) {
      await file.truncate(next.value)
      if ((await source.next()).done !== true) throw new Error("the stream goes on after its end")
      return next.value
    }
    await writeAll(file, next.value.data, next.value.offset)
    watch(next.value.offset + next.value.data.length)
  }
}

export async function writeAll(file: FileHandle, data: Uint8Array, at: number): Promise<void> {
  for (let written = 0; written < data.length; ) {
    const { bytesWritten } = await file.write(data, written, data.length - written, at + written)
    written += bytesWritten
  }
}
