/**
 * What every engine must keep, told as stories; each engine runs them with one line in
 * `test/suites/engine.test.ts`.
 */
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { PointId } from "../domain/ids.ts"
import { raceStories, revertStories } from "./branches.suite.ts"
import { changesStories } from "./changes.suite.ts"
import { bytesOf, content, fails, filled, mebi, pointId, put, volumeId } from "./content.suite.ts"
import { crashStories } from "./crash.suite.ts"
import type { Engine, Space } from "./engine.ts"
import type { Rig } from "./engine-rig.suite.ts"
import { freedStories } from "./freed.suite.ts"
import { growStories } from "./grow.suite.ts"
import { openDiskStories } from "./open-disk.suite.ts"
import { streamStories } from "./streams.suite.ts"
import { upkeepStories } from "./upkeep.suite.ts"

/** Real daemons are started many times; nothing here waits for a clock. */
const patient = { timeout: 180_000 }

export function engineSuite(name: string, make: () => Promise<Rig>): void {
  describe(`the ${name} engine`, patient, () => {
    let rig: Rig
    beforeEach(async () => {
      rig = await make()
      await rig.engine.recover()
    })
    afterEach(async () => {
      await rig.end()
    })
    headStories(() => rig)
    pointStories(() => rig)
    growStories(() => rig)
    revertStories(() => rig)
    raceStories(() => rig)
    openDiskStories(() => rig)
    streamStories(() => rig)
    crashStories(() => rig)
    freedStories(() => rig)
    changesStories(() => rig)
    upkeepStories(() => rig)
  })
}

function headStories(rig: () => Rig): void {
  test("a new head is all zeros, however large, and takes next to nothing", async () => {
    const { engine } = rig()
    const [small, thin] = [volumeId(), volumeId()]
    await engine.createHead(small, { sizeBytes: mebi })
    await engine.createHead(thin, { sizeBytes: 2 ** 40 })
    expect((await bytesOf(engine, { volume: small })).equals(Buffer.alloc(mebi))).toBe(true)
    const point = pointId()
    await engine.createPoint(thin, point)
    const { exclusive, shared } = await spaceOf(engine, point)
    expect(exclusive + shared).toBeLessThan(mebi)
    expect(await engine.examine()).toEqual([])
  })

  test("making and dropping a head twice is making and dropping it once", async () => {
    const { engine, leftovers } = rig()
    const { volume, bytes } = await filled(rig(), "once")
    await engine.createHead(volume, { sizeBytes: mebi })
    expect((await bytesOf(engine, { volume })).equals(bytes)).toBe(true)
    await engine.dropHead(volume)
    await engine.dropHead(volume)
    expect(await leftovers()).toEqual([])
    await fails("not-found", bytesOf(engine, { volume }))
  })

  test("a size that is none is refused", async () => {
    const { engine, leftovers } = rig()
    await fails("size", engine.createHead(volumeId(), { sizeBytes: 0 }))
    await fails("size", engine.createHead(volumeId(), { sizeBytes: 2 ** 47 }))
    await fails("invalid", engine.createHead(volumeId(), { sizeBytes: mebi + 1 }))
    expect(await leftovers()).toEqual([])
  })

  test("a clone may be larger than its origin, which it never changes, and never smaller", async () => {
    const { engine } = rig()
    const { volume, bytes } = await filled(rig(), "origin")
    const [point, clone] = [pointId(), volumeId()]
    await engine.createPoint(volume, point)
    await engine.createHead(clone, { sizeBytes: 3 * mebi, point })
    const grown = Buffer.concat([bytes, Buffer.alloc(2 * mebi)])
    expect((await bytesOf(engine, { volume: clone })).equals(grown)).toBe(true)
    await put(engine, clone, content("of the clone", 3 * mebi))
    expect((await bytesOf(engine, { point })).equals(bytes)).toBe(true)
    expect((await bytesOf(engine, { volume })).equals(bytes)).toBe(true)
    await fails("size", engine.createHead(volumeId(), { sizeBytes: mebi / 2, point }))
  })

  test("what stands on a point that is not there is refused and leaves nothing", async () => {
    const { engine, leftovers } = rig()
    await fails("not-found", engine.createHead(volumeId(), { sizeBytes: mebi, point: pointId() }))
    await fails("not-found", engine.createPoint(volumeId(), pointId()))
    expect(await leftovers()).toEqual([])
  })
}

function pointStories(rig: () => Rig): void {
  test("a point keeps what the head held, whatever comes after; asking twice is once", async () => {
    const { engine } = rig()
    const { volume, bytes } = await filled(rig(), "before")
    const point = pointId()
    expect(await engine.hasPoint(point)).toBe(false)
    await engine.createPoint(volume, point)
    expect(await engine.hasPoint(point)).toBe(true)
    expect((await bytesOf(engine, { volume })).equals(bytes)).toBe(true)
    const after = content("after", mebi)
    await put(engine, volume, after)
    await engine.createPoint(volume, point)
    expect((await bytesOf(engine, { point })).equals(bytes)).toBe(true)
    expect((await bytesOf(engine, { volume })).equals(after)).toBe(true)
    expect(await engine.examine()).toEqual([])
  })

  test("points outlive the head they were taken of", async () => {
    const { engine, leftovers } = rig()
    const { volume, bytes } = await filled(rig(), "outlived")
    const point = pointId()
    await engine.createPoint(volume, point)
    await engine.dropHead(volume)
    expect((await bytesOf(engine, { point })).equals(bytes)).toBe(true)
    const { exclusive, shared, freedIfDeleted } = await spaceOf(engine, point)
    expect([freedIfDeleted, shared]).toEqual([exclusive, 0])
    expect(exclusive).toBeGreaterThanOrEqual(mebi)
    await engine.dropPoint(point)
    await engine.dropPoint(point)
    expect(await leftovers()).toEqual([])
    await fails("not-found", bytesOf(engine, { point }))
  })

  const orders = [
    [0, 1, 2, 3, 4],
    [4, 3, 2, 1, 0],
    [2, 0, 4, 1, 3],
    [1, 3, 0, 2, 4],
  ]
  test.each(orders)(
    "dropped in the order %i %i %i %i %i, nothing else changes",
    async (...order) => {
      const { engine, leftovers } = rig()
      const volume = volumeId()
      const clone = volumeId()
      await engine.createHead(volume, { sizeBytes: mebi })
      const points: { point: PointId; bytes: Buffer }[] = []
      for (const index of order.keys()) {
        const bytes = content(`state ${index}`, mebi)
        await put(engine, volume, bytes)
        const point = pointId()
        await engine.createPoint(volume, point)
        points.push({ point, bytes })
      }
      await engine.createHead(clone, { sizeBytes: mebi, point: points[2]?.point ?? pointId() })
      const left = new Set(points)
      for (const index of order) {
        const dropped = points[index]
        if (dropped === undefined) continue
        const { freedIfDeleted } = await spaceOf(engine, dropped.point)
        expect(freedIfDeleted).toBeGreaterThanOrEqual(0)
        await engine.dropPoint(dropped.point)
        left.delete(dropped)
        for (const { point, bytes } of left) {
          expect((await bytesOf(engine, { point })).equals(bytes)).toBe(true)
        }
        const cloned = await bytesOf(engine, { volume: clone })
        expect(cloned.equals(points[2]?.bytes ?? Buffer.alloc(0))).toBe(true)
        expect(await engine.examine()).toEqual([])
      }
      await engine.dropHead(volume)
      await engine.dropHead(clone)
      expect(await leftovers()).toEqual([])
    },
  )

  test("what deleting is said to free is what it frees", async () => {
    const { engine } = rig()
    const { volume } = await filled(rig(), "shared")
    const [first, second] = [pointId(), pointId()]
    await engine.createPoint(volume, first)
    await engine.createPoint(volume, second)
    // The head and the second point stand on the first: it frees nothing and shares it all.
    expect(await spaceOf(engine, first)).toMatchObject({ exclusive: 0, freedIfDeleted: 0 })
    expect((await spaceOf(engine, first)).shared).toBeGreaterThanOrEqual(mebi)
    await engine.dropHead(volume)
    expect((await spaceOf(engine, second)).freedIfDeleted).toBeLessThan(mebi)
    await engine.dropPoint(first)
    expect((await spaceOf(engine, second)).freedIfDeleted).toBeGreaterThanOrEqual(mebi)
  })
}

async function spaceOf(engine: Engine, point: PointId): Promise<Space> {
  const space = (await engine.space([point])).get(point)
  if (space === undefined) throw new Error(`the engine tells no space of point ${point}`)
  return space
}
