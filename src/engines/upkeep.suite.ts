/** Work that nobody asked for, and that nobody may notice but by its room and speed. */
import { expect, test } from "vitest"
import type { VolumeId } from "../domain/ids.ts"
import { bytesOf, mebi, pointId, watch } from "./content.suite.ts"
import type { Opener, Rig } from "./engine-rig.suite.ts"
import { Family, type Movable } from "./family.suite.ts"
import { crashedUpkeepStories } from "./upkeep-crash.suite.ts"
import { grown, limits } from "./upkeep-family.suite.ts"
import { found, Writers } from "./writers.suite.ts"

const block = 65_536

export function upkeepStories(rig: () => Rig): void {
  test("it ends, and nothing that anyone reads has changed at any step of it", async () => {
    await rig().limit(limits)
    const { family } = await grown(rig)
    await family.upkeep([], () => family.expectAll())
    expect(await rig().engine.upkeep()).toEqual([])
    await family.expectAll()
    await rig().restart()
    await family.expectAll()
    await family.dropAll()
  })

  test("under open disks, which move, and hold nothing that is gone", async () => {
    await rig().limit(limits)
    const { family, volume, clone } = await grown(rig)
    const { engine } = rig()
    // Two disks of one process, and one of another; a layer of theirs is shared.
    const other = await family.clone([...family.model.points.keys()][9] ?? pointId())
    const pair = await rig().opener([await engine.open(volume), await engine.open(clone)])
    const single = await rig().opener([await engine.open(other)])
    const open = new Map([
      ...[volume, clone].map((id): [VolumeId, Opener] => [id, pair]),
      [other, single],
    ])
    let writes = 0
    const writeOn = async () => {
      for (const [id, opener] of open) {
        const offset = (writes++ % 15) * block + 512
        await family.writeThrough(opener, id, { offset, length: 1024 })
        const right = family.model.content({ volume: id }).bytes()
        expect((await opener.read(id, 0, right.length)).equals(right)).toBe(true)
      }
    }
    await writeOn()
    await family.keepOpen(pair, volume)
    expect(await family.upkeep([pair, single], writeOn)).toBeGreaterThan(0)
    await family.expectAll(open)
    await pair.kill()
    await single.close()
    await family.expectAll()
    await family.dropAll()
  })

  test("while four writers never stop, none of their writes is lost", async () => {
    await rig().limit(limits)
    const family = new Family(rig)
    const volume = await family.volume(mebi)
    const opener = await rig().opener([await rig().engine.open(volume)])
    const writers = new Writers(opener, volume)
    const running = [0, 1, 2, 3].map((lane) => writers.run(lane))
    const points = []
    for (let turn = 0; turn < 14; turn++) {
      points.push(await family.keepOpen(opener, volume))
      await writers.progress(10)
    }
    await family.drop(...points.filter((_, at) => at % 3 === 1))
    expect(await family.upkeep([opener], () => writers.progress(20))).toBeGreaterThan(0)
    writers.stop()
    await Promise.all(running)
    await opener.close()
    expect(found(await bytesOf(rig().engine, { volume }))).toEqual(writers.acknowledged)
    expect(await rig().engine.examine()).toEqual([])
    await family.dropAll()
  })

  test("given up before its commit, it leaves nothing and may be begun again", async () => {
    await rig().limit(limits)
    const { family } = await grown(rig)
    const { engine, leftovers } = rig()
    const before = (await leftovers()).toSorted()
    const works = await engine.upkeep()
    for (const { id } of works) {
      await engine.prepare(id, watch())
      await engine.abandon(id)
      await engine.abandon(id)
    }
    expect((await leftovers()).toSorted()).toEqual(before)
    expect(works.length).toBeGreaterThan(0)
    expect(await family.upkeep()).toBeGreaterThan(0)
    await family.expectAll()
    await family.dropAll()
  })

  test("stopped on its way, it goes on under its own name", async () => {
    await rig().limit(limits)
    const { family } = await grown(rig)
    const { engine } = rig()
    const [work] = await engine.upkeep()
    const stopped = AbortSignal.abort(new Error("stopped"))
    await expect(engine.prepare(work?.id ?? "", watch(stopped))).rejects.toThrow("stopped")
    await engine.prepare(work?.id ?? "", watch())
    await rig().restart()
    expect((await rig().engine.upkeep())[0]?.id).toBe(work?.id)
    await family.upkeep()
    await family.dropAll()
  })

  test.each([true, false])(
    "what nobody needs any more is given up; prepared: %s",
    async (whole) => {
      await rig().limit(limits)
      const { family } = await grown(rig)
      const { engine } = rig()
      const works = await engine.upkeep()
      const stop = AbortSignal.abort()
      for (const { id } of works) {
        if (whole) await engine.prepare(id, watch())
        else await expect(engine.prepare(id, watch(stop))).rejects.toThrow()
      }
      await family.drop(...family.model.points.keys())
      for (const volume of family.model.heads.keys()) await family.dropHead(volume)
      for (const { id } of works) {
        await engine.prepare(id, watch())
        await family.replace(id, [])
      }
      expect(await rig().leftovers()).toEqual([])
    },
  )

  test("a process that is just about to open its disks comes along", async () => {
    await rig().limit(limits)
    const { family, volume } = await grown(rig)
    const graph = await rig().engine.open(volume)
    const opening = Promise.withResolvers<Opener>()
    const upkeep = family.upkeep([later(opening.promise)])
    const opener = await rig().opener([graph])
    opening.resolve(opener)
    expect(await upkeep).toBeGreaterThan(0)
    await family.writeThrough(opener, volume, { offset: block, length: 1024 })
    await family.expectAll(new Map([[volume, opener]]))
    await opener.close()
    await family.expectAll()
    await family.dropAll()
  })

  test("a path never grows beyond its limit, and comes back to what it should be", async () => {
    await rig().limit(limits)
    const family = new Family(rig)
    const { engine } = rig()
    const volume = await family.volume(mebi)
    const depth = depthOf(rig, await nodesOf(rig(), volume))
    let pressed = 0
    for (let turn = 0; turn < 40; turn++) {
      for (const { id } of await engine.upkeep(volume)) {
        expect(await depth(volume)).toBeGreaterThanOrEqual(limits.hardDepth)
        await engine.prepare(id, watch())
        await family.replace(id, [])
        pressed++
      }
      await family.keep(volume)
      expect(await depth(volume)).toBeLessThanOrEqual(limits.hardDepth)
    }
    expect(pressed).toBeGreaterThan(0)
    await family.upkeep()
    expect(await depth(volume)).toBeLessThanOrEqual(limits.softDepth)
    expect(await engine.upkeep(volume)).toEqual([])
    await family.expectAll()
    await family.dropAll()
  })

  crashedUpkeepStories(rig)
}

/** Whoever moves it waits until it is there. */
const later = (opening: Promise<Opener>): Movable => ({
  restack: async (restack) => (await opening).restack(restack),
  strays: async () => (await opening).strays(),
})

/** Layers below the head; it takes a few nodes to open one. */
const depthOf = (rig: () => Rig, nodesOfOne: number) => async (volume: VolumeId) =>
  (await nodesOf(rig(), volume)) / nodesOfOne - 1

async function nodesOf({ engine }: Rig, volume: VolumeId): Promise<number> {
  using graph = await engine.open(volume)
  return graph.nodes.length
}
