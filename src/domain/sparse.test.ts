import { describe, expect, test } from "vitest"
import {
  type Frame,
  frameHeader,
  frameHeaderBytes,
  largestFrameBytes,
  readFrames,
  SparseFormatError,
} from "./sparse.ts"

const bytes = (...values: number[]) => Uint8Array.from(values)
const joined = (...parts: Uint8Array[]) => new Uint8Array(Buffer.concat(parts))
const good = joined(
  frameHeader(512, 3),
  bytes(1, 2, 3),
  frameHeader(2 ** 40, 1),
  bytes(9),
  frameHeader(2 ** 46, 0),
)

async function* chunks(stream: Uint8Array, size: number) {
  for (let at = 0; at < stream.length; at += size) yield stream.subarray(at, at + size)
}

async function read(stream: Uint8Array, chunkBytes = stream.length) {
  const frames: Frame[] = []
  const reading = readFrames(chunks(stream, Math.max(chunkBytes, 1)))
  let next = await reading.next()
  for (; !next.done; next = await reading.next()) {
    frames.push({ offset: next.value.offset, data: Uint8Array.from(next.value.data) })
  }
  return { frames, sizeBytes: next.value }
}

const expected = {
  frames: [
    { offset: 512, data: bytes(1, 2, 3) },
    { offset: 2 ** 40, data: bytes(9) },
  ],
  sizeBytes: 2 ** 46,
}

describe("a sparse stream", () => {
  test("a header is 12 bytes: where, and how many, big endian", () => {
    const header = frameHeader(0x0102_0304_0506, 0x0708_090a)
    expect([...header]).toEqual([0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    expect(header.length).toBe(frameHeaderBytes)
  })

  test("reads the same however its bytes are cut into chunks", async () => {
    for (let size = 1; size <= good.length; size++) expect(await read(good, size)).toEqual(expected)
  })

  test("with no frame but the last is a disk of zeros", async () => {
    expect(await read(frameHeader(1024, 0))).toEqual({ frames: [], sizeBytes: 1024 })
  })

  test("cut anywhere, it is told from a whole one", async () => {
    for (let length = 0; length < good.length; length++) {
      await expect(read(good.subarray(0, length), 5)).rejects.toThrow(SparseFormatError)
    }
  })

  test("frames may touch, but not overlap or go back, the end included", async () => {
    const touching = joined(
      frameHeader(0, 1),
      bytes(1),
      frameHeader(1, 1),
      bytes(2),
      frameHeader(2, 0),
    )
    expect((await read(touching)).sizeBytes).toBe(2)
    for (const offset of [0, 1]) {
      const bent = joined(frameHeader(0, 2), bytes(1, 2), frameHeader(offset, 1), bytes(3))
      await expect(read(bent)).rejects.toThrow(`frame at ${offset} lies before 2`)
      const short = joined(frameHeader(0, 2), bytes(1, 2), frameHeader(offset, 0))
      await expect(read(short)).rejects.toThrow(SparseFormatError)
    }
  })

  test("a frame longer than the limit, or beyond any disk, is refused before it is read", async () => {
    await expect(read(frameHeader(0, largestFrameBytes + 1))).rejects.toThrow("frame of 4194305")
    const beyond = Uint8Array.from({ length: 12 }, (_, at) => (at < 8 ? 0xff : 0))
    await expect(read(beyond)).rejects.toThrow(SparseFormatError)
  })

  test("the largest frame passes", async () => {
    const data = new Uint8Array(largestFrameBytes).fill(7)
    const stream = joined(frameHeader(0, data.length), data, frameHeader(data.length, 0))
    const { frames } = await read(stream, 65_536)
    expect(frames[0]?.data.length).toBe(largestFrameBytes)
  })
})
