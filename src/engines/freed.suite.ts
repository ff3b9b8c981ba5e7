/** What is said to come back is what comes back, in whatever order points go. */
import { expect, test } from "vitest"
import type { PointId } from "../domain/ids.ts"
import { dice, mebi, pointId } from "./content.suite.ts"
import type { Rig } from "./engine-rig.suite.ts"
import { Family } from "./family.suite.ts"

const sizeBytes = 4 * mebi
/** Tables and headers of a layer. */
const layerBytes = 8 * 65_536

export function freedStories(rig: () => Rig): void {
  test.each([1, 2, 3, 4])("family %i: a set of points frees what it was said to", async (seed) => {
    await rig().limit({ softDepth: 8, hardDepth: 16 })
    const { family, extents } = await grown(rig, seed)
    await family.upkeep()
    const roll = dice(seed + 50)
    const slack = extents * rig().granuleBytes
    while (family.model.points.size > 0) {
      const { engine, bytesOnDisk } = rig()
      const set = [...family.model.points.keys()].filter(() => roll() < 0.4)
      const told = await engine.freed(set)
      const before = await bytesOnDisk()
      const layersBefore = (await rig().leftovers()).length
      await family.drop(...set)
      expect(Math.abs(before - (await bytesOnDisk()) - told), "at once").toBeLessThanOrEqual(slack)
      await family.upkeep()
      // Fewer layers need fewer tables.
      const fewer = Math.max(0, layersBefore - (await rig().leftovers()).length)
      const freed = before - (await bytesOnDisk())
      expect(freed, "after upkeep").toBeGreaterThanOrEqual(told - slack)
      expect(freed, "after upkeep").toBeLessThanOrEqual(told + slack + fewer * layerBytes)
      await family.expectAll()
    }
    await family.dropAll()
  })

  test("of one that is overwritten everywhere, all comes back", async () => {
    const { engine } = rig()
    const family = new Family(rig)
    const volume = await family.volume(mebi)
    const points: PointId[] = []
    for (let turn = 0; turn < 3; turn++) {
      await family.write(volume, { offset: 0, length: mebi })
      points.push(await family.keep(volume))
    }
    const [, middle = pointId()] = points
    expect(await engine.freed([middle])).toBeGreaterThanOrEqual(mebi)
    expect((await engine.space([middle])).get(middle)?.freedIfDeleted).toBe(
      await engine.freed([middle]),
    )
    expect(await engine.freed([])).toBe(0)
    expect(await engine.freed([pointId()])).toBe(0)
    await family.drop(middle)
    await family.expectAll()
    await family.dropAll()
  })

  test("together they may free what none of them frees alone", async () => {
    const { engine } = rig()
    const family = new Family(rig)
    const volume = await family.volume(mebi)
    await family.write(volume, { offset: 0, length: mebi })
    const [first, second] = [await family.keep(volume), await family.keep(volume)]
    await family.write(volume, { offset: 0, length: mebi })
    expect(await engine.freed([first])).toBeLessThan(mebi / 2)
    expect(await engine.freed([second])).toBeLessThan(mebi / 2)
    expect(await engine.freed([first, second])).toBeGreaterThanOrEqual(mebi)
    await family.dropAll()
  })

  test("every byte on disk is charged to one volume that has to do with it", async () => {
    await rig().limit({ softDepth: 8, hardDepth: 16 })
    const { family } = await grown(rig, 7)
    for (const upkeep of [false, true]) {
      if (upkeep) await family.upkeep()
      const usage = await rig().engine.usage()
      const sum = [...usage.values()].reduce((all, bytes) => all + bytes, 0)
      expect(sum).toBe(await rig().bytesOnDisk())
    }
    const clone = [...family.model.heads.keys()].at(-1)
    for (const volume of family.model.heads.keys()) {
      if (volume !== clone) await family.dropHead(volume)
    }
    await family.drop(...family.model.points.keys())
    const usage = await rig().engine.usage()
    expect([...usage.keys()]).toEqual([clone])
    expect([...usage.values()]).toEqual([await rig().bytesOnDisk()])
    await family.dropAll()
  })
}

/** A volume, a branch of it and a clone, with points all over. */
async function grown(rig: () => Rig, seed: number) {
  const family = new Family(rig)
  const roll = dice(seed)
  let extents = 0
  const some = () =>
    Array.from({ length: 1 + Math.floor(roll() * 3) }, () => {
      extents++
      const offset = Math.floor(roll() * 32) * 65_536
      return { offset, length: Math.ceil(roll() * 20) * 65_536 }
    })
  const volume = await family.volume(sizeBytes)
  const points: PointId[] = []
  const grow = async (of: typeof volume, turns: number) => {
    for (let turn = 0; turn < turns; turn++) {
      await family.write(of, ...some())
      points.push(await family.keep(of))
    }
  }
  await grow(volume, 4)
  await family.revert(volume, points[1] ?? pointId())
  await grow(volume, 3)
  await grow(await family.clone(points[2] ?? pointId()), 3)
  await family.clone(points[4] ?? pointId())
  return { family, extents }
}
