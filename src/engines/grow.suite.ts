/** Volumes that become larger: what they held, what was kept of them before, and what comes after. */
import { expect, test } from "vitest"
import {
  bytesOf,
  content,
  fails,
  filled,
  mebi,
  odd,
  pointId,
  put,
  stream,
  volumeId,
  watch,
} from "./content.suite.ts"
import type { Rig } from "./engine-rig.suite.ts"
import { Family } from "./family.suite.ts"

/** Ends in the midst of a sector group, a cluster and a page, as the one before it does. */
const larger = odd + mebi + 1024

export function growStories(rig: () => Rig): void {
  plainStories(rig)
  keptStories(rig)
  upkeepStories(rig)
  changesStories(rig)
}

function plainStories(rig: () => Rig): void {
  test("a grown volume reads as before and zeros beyond; asking twice is once", async () => {
    const { engine, leftovers } = rig()
    const { volume, bytes } = await filled(rig(), "before")
    expect(await engine.sizeOf(volume)).toBe(mebi)
    for (let turn = 0; turn < 2; turn++) await engine.growHead(volume, 2 * mebi + 512)
    expect(await engine.sizeOf(volume)).toBe(2 * mebi + 512)
    const grown = Buffer.concat([bytes, Buffer.alloc(mebi + 512)])
    expect((await bytesOf(engine, { volume })).equals(grown)).toBe(true)
    expect(await engine.examine()).toEqual([])

    const full = content("all of it", 2 * mebi + 512)
    await put(engine, volume, full)
    expect((await bytesOf(engine, { volume })).equals(full)).toBe(true)
    await engine.dropHead(volume)
    expect(await engine.sizeOf(volume)).toBe(null)
    expect(await leftovers()).toEqual([])
  })

  test("what is refused changes nothing", async () => {
    const { engine, leftovers } = rig()
    const { volume, bytes } = await filled(rig(), "as it is")
    await fails("size", engine.growHead(volume, mebi / 2))
    await fails("size", engine.growHead(volume, 2 ** 47))
    await fails("invalid", engine.growHead(volume, mebi + 1))
    await fails("not-found", engine.growHead(volumeId(), mebi))
    expect((await bytesOf(engine, { volume })).equals(bytes)).toBe(true)
    await engine.dropHead(volume)
    expect(await leftovers()).toEqual([])
  })

  test("one whose opener died keeps all that was acknowledged", async () => {
    const { engine } = rig()
    const family = new Family(rig)
    const volume = await family.volume(odd)
    const opener = await rig().opener([await engine.open(volume)])
    await family.writeThrough(opener, volume, { offset: 0, length: 65_536 })
    await opener.switchDisks([await engine.arm(volume)])
    await family.writeThrough(opener, volume, { offset: odd - 1024, length: 1024 })
    await opener.kill()
    await family.grow(volume, larger)
    await family.expectAll()

    const next = await rig().opener([await engine.open(volume)])
    await family.writeThrough(next, volume, { offset: odd - 512, length: mebi })
    await family.keepOpen(next, volume)
    await family.writeThrough(next, volume, { offset: larger - 512, length: 512 })
    await family.expectAll(new Map([[volume, next]]))
    await next.close()
    await family.expectAll()
    await family.dropAll()
  })

  test("what was armed before it grew is not switched to after", async () => {
    const { engine } = rig()
    const family = new Family(rig)
    const volume = await family.volume(odd)
    const before = await rig().opener([await engine.open(volume)])
    await engine.arm(volume)
    await before.close()
    await family.grow(volume, larger)
    const opener = await rig().opener([await engine.open(volume)])
    await family.writeThrough(opener, volume, { offset: odd, length: 4096 })
    await family.keepOpen(opener, volume)
    await family.writeThrough(opener, volume, { offset: larger - 4096, length: 4096 })
    await family.expectAll(new Map([[volume, opener]]))
    await opener.close()
    await family.dropAll()
  })
}

function keptStories(rig: () => Rig): void {
  test("points stay as large as they were; a revert to one does not make the volume smaller", async () => {
    const { engine } = rig()
    const family = new Family(rig)
    const volume = await family.volume(odd)
    await family.write(volume, { offset: odd - 70_000, length: 69_488 })
    const old = await family.keep(volume)
    await family.grow(volume, larger)
    await family.write(volume, { offset: odd - 512, length: 200_704 })
    const clone = await family.clone(old)
    expect(await engine.sizeOf(clone)).toBe(odd)
    const keep = await family.revert(volume, old)
    expect(await engine.sizeOf(volume)).toBe(larger)
    await family.expectAll()
    await family.write(volume, { offset: larger - 512, length: 512 })
    await family.revert(volume, keep)
    await family.expectAll()
    await fails("size", engine.revertHead(clone, keep, pointId()))
    await family.dropAll()
  })

  test("a revert that is taken back after the volume grew leaves it grown", async () => {
    const { engine } = rig()
    const family = new Family(rig)
    const volume = await family.volume(odd)
    await family.write(volume, { offset: 0, length: 65_536 })
    const old = await family.keep(volume)
    await family.write(volume, { offset: odd - 512, length: 512 })
    const keep = await family.revert(volume, old)
    await family.grow(volume, larger)
    await engine.unrevertHead(volume, keep)
    family.model.unrevert(volume, keep)
    await family.write(volume, { offset: odd, length: 512 })
    await family.expectAll()
    await family.dropAll()
  })

  test("it is read out in every format with all of its bytes", async () => {
    const { engine, formats } = rig()
    const family = new Family(rig)
    const volume = await family.volume(odd)
    await family.write(volume, { offset: odd - 512, length: 512 })
    await family.grow(volume, larger)
    await family.write(volume, { offset: larger - 512, length: 512 })
    const right = family.model.content({ volume }).bytes()
    for (const format of formats) {
      const told = await bytesOf(engine, { volume }, format)
      const copy = volumeId()
      await engine.createHead(copy, { sizeBytes: larger })
      const source = { format, stream: stream(told), lengthBytes: told.length }
      await engine.write(copy, source, watch())
      expect((await bytesOf(engine, { volume: copy })).equals(right), format).toBe(true)
      await engine.dropHead(copy)
    }
    await family.dropAll()
  })
}

function upkeepStories(rig: () => Rig): void {
  test("layers of different sizes are merged, closed and under an open disk", async () => {
    const { engine } = rig()
    const family = new Family(rig)
    const volume = await family.volume(odd)
    await family.write(volume, { offset: odd - 66_048, length: 65_024 })
    const first = await family.keep(volume)
    const clone = await family.clone(first)
    for (const sizeBytes of [odd + 512, odd + 66_048, larger]) {
      await family.grow(volume, sizeBytes)
      await family.write(volume, { offset: sizeBytes - 1024, length: 1024 })
      await family.write(volume, { offset: odd - 65_536, length: 65_536, zero: "write zeroes" })
    }
    const last = await family.keep(volume)
    const opener = await rig().opener([await engine.open(volume)])
    const open = new Map([[volume, opener]])
    await family.writeThrough(opener, volume, { offset: odd - 512, length: 1024 })
    await family.drop(first)
    expect(await family.upkeep([opener], () => family.expectAll(open))).toBeGreaterThan(0)
    await family.expectAll(open)
    await opener.close()
    await family.revert(volume, last)
    await family.write(clone, { offset: 0, length: 512 })
    await family.expectAll()
    await family.upkeep()
    await family.expectAll()
    await family.dropAll()
  })

  test("a path that grew with every point is shortened, and its points stay as they were", async () => {
    await rig().limit({ softDepth: 4, hardDepth: 12 })
    const family = new Family(rig)
    const volume = await family.volume(odd)
    for (let turn = 0; turn < 8; turn++) {
      const { sizeBytes } = family.model.content({ volume })
      await family.write(volume, { offset: turn * 65_536, length: 69_632 })
      await family.write(volume, { offset: sizeBytes - 512, length: 512 })
      await family.keep(volume)
      await family.grow(volume, sizeBytes + 33_280)
    }
    expect(await family.upkeep()).toBeGreaterThan(0)
    await family.expectAll()
    await family.dropAll()
  })
}

function changesStories(rig: () => Rig): void {
  test("growing alone is no change; beyond the old end only what was written is one", async () => {
    const { engine, granuleBytes } = rig()
    const family = new Family(rig)
    const volume = await family.volume(4 * granuleBytes)
    await family.write(volume, { offset: 0, length: granuleBytes })
    const small = await family.keep(volume)
    await family.grow(volume, 40 * granuleBytes)
    const grown = await family.keep(volume)
    expect(await engine.changes(small, grown)).toEqual([])
    expect(await engine.changes(grown, small)).toEqual([])
    expect(await engine.related(small, grown)).toBe(true)

    const run = { offset: 20 * granuleBytes, length: 2 * granuleBytes }
    await family.write(volume, run)
    const written = await family.keep(volume)
    expect(await engine.changes(small, written)).toEqual([{ ...run, zero: false }])
    // What lies beyond the end of the smaller one cannot be told of it.
    expect(await engine.changes(written, small)).toEqual([])
    await family.dropAll()
  })
}
