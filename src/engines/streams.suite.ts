/** Bytes in and out, in every format. */
import { PassThrough } from "node:stream"
import { expect, test } from "vitest"
import { newId } from "../domain/ids.ts"
import { frameHeader } from "../domain/sparse.ts"
import { failureStories } from "./broken-streams.suite.ts"
import {
  blank,
  bytesOf,
  content,
  odd,
  patchy,
  put,
  sparseOf,
  stream,
  watch,
} from "./content.suite.ts"
import type { Rig } from "./engine-rig.suite.ts"

export function streamStories(rig: () => Rig): void {
  for (let seed = 1; seed <= 4; seed++) {
    test(`patchy content ${seed} passes through every format bit for bit`, async () => {
      const { engine, formats } = rig()
      const disk = patchy(seed, odd)
      const volume = await blank(rig())
      await put(engine, volume, disk)
      for (const format of formats) {
        const bytes = await bytesOf(engine, { volume }, format)
        if (format === "raw") expect(bytes.equals(disk)).toBe(true)
        const copy = await blank(rig())
        await put(engine, copy, bytes, format)
        expect((await bytesOf(engine, { volume: copy })).equals(disk)).toBe(true)
      }
      await put(engine, volume, sparseOf(disk, seed), "sparse")
      expect((await bytesOf(engine, { volume })).equals(disk)).toBe(true)
    })
  }

  test("a thin terabyte travels as the bytes it holds", async () => {
    const { engine } = rig()
    const volume = await blank(rig(), 2 ** 40)
    const bytes = content("far out", 65_536)
    const far = 2 ** 40 - 65_536
    const parts = [frameHeader(far, bytes.length), bytes, frameHeader(2 ** 40, 0)]
    await put(engine, volume, Buffer.concat(parts), "sparse")
    const back = await bytesOf(engine, { volume }, "sparse")
    expect(back.equals(Buffer.concat(parts))).toBe(true)
  })

  test("one frame may hold megabytes, anywhere", async () => {
    const { engine } = rig()
    const volume = await blank(rig())
    const bytes = content("one frame", odd - 1000)
    const frames = [frameHeader(1000, bytes.length), bytes, frameHeader(odd, 0)]
    await put(engine, volume, Buffer.concat(frames), "sparse")
    const expected = Buffer.concat([Buffer.alloc(1000), bytes])
    expect((await bytesOf(engine, { volume })).equals(expected)).toBe(true)
  })

  test("what lies beyond the stream's end reads as zeros, whatever was there", async () => {
    const { engine } = rig()
    const volume = await blank(rig())
    await put(engine, volume, content("all over", odd))
    await put(engine, volume, content("short", 1000))
    const expected = Buffer.alloc(odd)
    expected.set(content("short", 1000))
    expect((await bytesOf(engine, { volume })).equals(expected)).toBe(true)
    await put(engine, volume, Buffer.alloc(0))
    expect((await bytesOf(engine, { volume })).equals(Buffer.alloc(odd))).toBe(true)
  })

  test("points taken before are untouched, and a refilled volume gives its room back", async () => {
    const { engine, leftovers } = rig()
    const volume = await blank(rig())
    const point = newId<"point">()
    const disk = patchy(7, odd)
    await put(engine, volume, disk)
    await engine.createPoint(volume, point)
    for (const word of ["one", "two", "three"]) await put(engine, volume, content(word, odd))
    expect((await bytesOf(engine, { point })).equals(disk)).toBe(true)
    expect(await engine.examine()).toEqual([])
    await engine.dropPoint(point)
    await engine.dropHead(volume)
    expect(await leftovers()).toEqual([])
  })

  test("progress grows to its end", async () => {
    const { engine, formats } = rig()
    const disk = content("watched", odd)
    for (const format of formats) {
      const volume = await blank(rig())
      await put(engine, volume, disk)
      const seen: number[] = []
      const progress = (done: number, total: number) => void seen.push(total > 0 ? done / total : 0)
      const sink = { format, open: () => new PassThrough().resume() }
      await engine.read({ volume }, sink, { ...watch(), progress })
      const bytes = await bytesOf(engine, { volume }, format)
      const parts = { in: [...seen.splice(0)], out: seen }
      const source = { format, stream: stream(bytes), lengthBytes: bytes.length }
      await engine.write(volume, source, { ...watch(), progress })
      for (const part of Object.values(parts)) {
        expect(part.at(-1)).toBe(1)
        expect(part).toEqual(part.toSorted((a, b) => a - b))
      }
    }
  })

  failureStories(rig)
}
