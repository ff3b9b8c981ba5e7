/** Reverts, which make branches, and what happens when verbs on one layer meet. */
import { expect, test } from "vitest"
import { bytesOf, content, filled, mebi, pointId, put, volumeId } from "./content.suite.ts"
import type { Rig } from "./engine-rig.suite.ts"

export function revertStories(rig: () => Rig): void {
  test("a revert keeps what it replaces, and newer points become a branch", async () => {
    const { engine, leftovers } = rig()
    const { volume, bytes: old } = await filled(rig(), "old")
    const [first, second, keep] = [pointId(), pointId(), pointId()]
    await engine.createPoint(volume, first)
    const newer = content("newer", mebi)
    await put(engine, volume, newer)
    await engine.createPoint(volume, second)
    const newest = content("newest", mebi)
    await put(engine, volume, newest)

    await engine.revertHead(volume, first, keep)
    await engine.revertHead(volume, first, keep)
    const told = async () => [
      (await bytesOf(engine, { volume })).equals(old),
      (await bytesOf(engine, { point: second })).equals(newer),
      (await bytesOf(engine, { point: keep })).equals(newest),
    ]
    expect(await told()).toEqual([true, true, true])

    const [third, keptBranch] = [pointId(), pointId()]
    const branch = content("on the branch", mebi)
    await put(engine, volume, branch)
    await engine.createPoint(volume, third)
    await engine.revertHead(volume, second, keptBranch)
    expect((await bytesOf(engine, { volume })).equals(newer)).toBe(true)
    expect((await bytesOf(engine, { point: third })).equals(branch)).toBe(true)
    expect(await engine.examine()).toEqual([])
    await engine.dropHead(volume)
    for (const point of [second, third, first, keep, keptBranch]) await engine.dropPoint(point)
    expect(await leftovers()).toEqual([])
  })

  test("a revert is taken back as if it had not been, once or twice", async () => {
    const { engine, leftovers } = rig()
    const { volume } = await filled(rig(), "old")
    const [point, keep] = [pointId(), pointId()]
    await engine.createPoint(volume, point)
    const present = content("present", mebi)
    await put(engine, volume, present)
    await engine.revertHead(volume, point, keep)
    await engine.unrevertHead(volume, keep)
    await engine.unrevertHead(volume, keep)
    expect((await bytesOf(engine, { volume })).equals(present)).toBe(true)
    expect(await engine.hasPoint(keep)).toBe(false)
    expect(await engine.examine()).toEqual([])
    await engine.dropHead(volume)
    await engine.dropPoint(point)
    expect(await leftovers()).toEqual([])
  })

  test("taken back when a clone stands on what was kept, the clone does not change", async () => {
    const { engine, leftovers } = rig()
    const { volume } = await filled(rig(), "old")
    const [point, keep, clone] = [pointId(), pointId(), volumeId()]
    await engine.createPoint(volume, point)
    const present = content("present", mebi)
    await put(engine, volume, present)
    await engine.revertHead(volume, point, keep)
    await engine.createHead(clone, { sizeBytes: mebi, point: keep })
    await engine.unrevertHead(volume, keep)
    const opener = await rig().opener([await engine.open(volume)])
    await opener.write(volume, 0, content("changed", 65_536))
    await opener.close()
    expect((await bytesOf(engine, { volume: clone })).equals(present)).toBe(true)
    expect((await bytesOf(engine, { volume })).equals(present)).toBe(false)
    for (const one of [volume, clone]) await engine.dropHead(one)
    await engine.dropPoint(point)
    expect(await leftovers()).toEqual([])
  })
}

export function raceStories(rig: () => Rig): void {
  test("a point that goes while a clone of it is made: it is made whole, or not at all", async () => {
    const { engine, leftovers, meanwhile } = rig()
    const outcomes = new Set<string>()
    for (let nth = 1, met = true; met; nth++) {
      const { volume, bytes } = await filled(rig(), "soon gone")
      const [point, clone] = [pointId(), volumeId()]
      await engine.createPoint(volume, point)
      await engine.dropHead(volume)
      const happened = meanwhile(nth, () => engine.dropPoint(point))
      const outcome = await engine.createHead(clone, { sizeBytes: mebi, point }).then(
        () => "made",
        (cause: Error) => cause.message.replace(point, ""),
      )
      met = happened()
      outcomes.add(outcome)
      if (outcome === "made") {
        expect((await bytesOf(engine, { volume: clone })).equals(bytes)).toBe(true)
      }
      expect(await engine.examine()).toEqual([])
      await engine.dropHead(clone)
      await engine.dropPoint(point)
      expect(await leftovers()).toEqual([])
    }
    expect([...outcomes]).toEqual(["no point ", "made"])
  })

  test("a clone made of what a revert kept, while that revert is taken back, never changes", async () => {
    const { engine, leftovers, meanwhile } = rig()
    let madeInTheMidst = 0
    for (let nth = 1, met = true; met; nth++) {
      const { volume, bytes } = await filled(rig(), "kept")
      const [point, keep, clone] = [pointId(), pointId(), volumeId()]
      await engine.createPoint(volume, point)
      await engine.revertHead(volume, point, keep)
      let made = false
      const happened = meanwhile(nth, async () => {
        made = await engine.createHead(clone, { sizeBytes: mebi, point: keep }).then(
          () => true,
          () => false,
        )
      })
      await engine.unrevertHead(volume, keep)
      met = happened()
      const opener = await rig().opener([await engine.open(volume)])
      await opener.write(volume, 0, content("changed", 4096))
      await opener.close()
      if (made) {
        madeInTheMidst += 1
        expect((await bytesOf(engine, { volume: clone })).equals(bytes)).toBe(true)
      }
      expect(await engine.examine()).toEqual([])
      for (const one of [volume, clone]) await engine.dropHead(one)
      await engine.dropPoint(point)
      expect(await leftovers()).toEqual([])
    }
    expect(madeInTheMidst).toBeGreaterThan(1)
  })
}
