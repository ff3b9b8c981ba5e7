/** Where two points differ, told from what was written between them. */
import { expect, test } from "vitest"
import type { PointId } from "../domain/ids.ts"
import { content, dice, fails, mebi, pointId } from "./content.suite.ts"
import type { Rig } from "./engine-rig.suite.ts"
import { Family, type Write } from "./family.suite.ts"

const sizeBytes = 2 * mebi + 512

export function changesStories(rig: () => Rig): void {
  test.each([1, 2, 3])(
    "lineage %i: between any two points, before upkeep and after",
    async (seed) => {
      await rig().limit({ softDepth: 8, hardDepth: 16 })
      const family = new Family(rig)
      const some = writesOf(seed, rig().granuleBytes)
      const volume = await family.volume(sizeBytes)
      const points: PointId[] = []
      for (let turn = 0; turn < 5; turn++) {
        await family.write(volume, ...some())
        points.push(await family.keep(volume))
      }
      const [first = pointId(), second = pointId(), third = pointId()] = points
      points.push(await family.revert(volume, second))
      await family.grow(volume, sizeBytes + 100_352)
      await family.write(volume, { offset: sizeBytes + 512, length: 65_536 })
      for (let turn = 0; turn < 5; turn++) {
        await family.write(volume, ...some())
        points.push(await family.keep(volume))
      }
      const clone = await family.clone(third, 2 * sizeBytes)
      await family.write(clone, ...some(), { offset: sizeBytes, length: 100_352 })
      const last = await family.keep(clone)
      points.push(last)
      await expectExact(rig(), family)

      const stranger = await family.keep(await family.volume(sizeBytes))
      const expectRelated = async () => {
        const { engine } = rig()
        expect(await engine.related(first, last)).toBe(true)
        expect(await engine.related(last, first)).toBe(true)
        expect(await engine.related(first, first)).toBe(true)
        expect(await engine.related(stranger, last)).toBe(false)
      }
      await expectRelated()
      await family.drop(second, third)
      await expectExact(rig(), family)
      await family.upkeep()
      await expectExact(rig(), family)
      await expectRelated()
      await family.drop(first, ...points.slice(7, 9))
      await family.upkeep()
      await expectExact(rig(), family)
      await family.dropAll()
    },
  )

  test("what was written the same on both sides of a branch is no change", async () => {
    const { granuleBytes, engine } = rig()
    const family = new Family(rig)
    const volume = await family.volume(sizeBytes)
    await family.write(volume, { offset: 0, length: granuleBytes })
    const origin = await family.keep(volume)
    const clone = await family.clone(origin)
    const same = content("the same", granuleBytes)
    const ends: PointId[] = []
    for (const side of [volume, clone]) {
      const opener = await rig().opener([await engine.open(side)])
      await opener.write(side, granuleBytes, same)
      await opener.close()
      await family.write(clone, { offset: 3 * granuleBytes, length: 512 })
      const point = pointId()
      await engine.createPoint(side, point)
      ends.push(point)
    }
    const [a = origin, b = origin] = ends
    const told = await engine.changes(a, b)
    expect(told).toEqual([{ offset: 3 * granuleBytes, length: granuleBytes, zero: false }])
    expect(await engine.changes(a, a)).toEqual([])
  })

  test("zeros are told from data, and what was never written is not told", async () => {
    const { granuleBytes, engine } = rig()
    const family = new Family(rig)
    const volume = await family.volume(sizeBytes)
    await family.write(volume, { offset: 0, length: 6 * granuleBytes })
    const before = await family.keep(volume)
    const run = (first: number, count: number) => ({
      offset: first * granuleBytes,
      length: count * granuleBytes,
    })
    await family.write(volume, { ...run(1, 1), zero: "write zeroes" })
    await family.write(volume, { ...run(2, 2), zero: "discard" }, run(4, 1))
    const after = await family.keep(volume)
    expect(await engine.changes(before, after)).toEqual([
      { ...run(1, 3), zero: true },
      { ...run(4, 1), zero: false },
    ])
    expect(await engine.changes(null, before)).toEqual([{ ...run(0, 6), zero: false }])
  })

  test("of a point that is not there, nothing is told", async () => {
    const family = new Family(rig)
    const volume = await family.volume(sizeBytes)
    const point = await family.keep(volume)
    const { engine } = rig()
    await fails("not-found", engine.changes(null, pointId()))
    await fails("not-found", engine.changes(pointId(), point))
    await fails("not-found", engine.related(point, pointId()))
    expect(await engine.changes(null, point)).toEqual([])
  })
}

/** From nothing, and from each to each other, of one lineage or of none. */
async function expectExact(rig: Rig, { model }: Family): Promise<void> {
  const points = [...model.points.keys()]
  for (const to of points) {
    for (const from of [null, ...points]) {
      const changes = await rig.engine.changes(from, to)
      const fault = model.faultIn(changes, { from, to }, rig.granuleBytes)
      expect(fault, `from ${from} to ${to}`).toBe(null)
    }
  }
}

/** Anywhere, some of them torn across granules; what is discarded is whole ones. */
function writesOf(seed: number, granuleBytes: number): () => Write[] {
  const roll = dice(seed)
  const granules = Math.floor(sizeBytes / granuleBytes)
  const one = (): Write => {
    const count = 1 + Math.floor(roll() * 3)
    const offset = Math.floor(roll() * (granules - count)) * granuleBytes
    const whole = { offset, length: count * granuleBytes }
    if (roll() < 0.2) return { ...whole, zero: roll() < 0.5 ? "discard" : "write zeroes" }
    return roll() < 0.5 ? whole : { offset: offset + 512, length: whole.length - 1024 }
  }
  return () => Array.from({ length: 1 + Math.floor(roll() * 3) }, one)
}
