/** Space that comes back when points go in any order, and nobody else's content with it. */
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { newId, type PointId } from "../../src/domain/ids.ts"
import { mebi, watch } from "../../src/engines/content.suite.ts"
import { type Qcow2Rig, qcow2Rig } from "../fixtures/engine-rigs.ts"
import { cluster, grownTree, WrittenTree } from "../fixtures/written-tree.ts"

let rig: Qcow2Rig
beforeEach(async () => {
  rig = await qcow2Rig()
  await rig.engine.recover()
})
afterEach(() => rig.end())

const freedAlone = async (point: PointId) => (await rig.engine.space([point])).get(point)

/** What the disk says of a removal, and what was said before it. */
async function dropAndCompare(tree: WrittenTree, points: readonly PointId[]) {
  const told = await rig.engine.freed(points)
  const before = await tree.heldBytes()
  for (const point of points) await tree.drop(point)
  return { told, freed: before - (await tree.heldBytes()) }
}

/** The file system keeps its own list of where a file lies, which holes make longer. */
function expectFreed({ told, freed }: { told: number; freed: number }, exactly = told): void {
  expect(told).toBe(exactly)
  expect(Math.abs(freed - told)).toBeLessThan(cluster)
}

describe("points dropped in any order", () => {
  test.each([1, 2, 3, 4])("leave all others as they were (%i)", async (seed) => {
    const tree = await grownTree(rig, seed)
    expect(await tree.wrong()).toEqual([])
    while (tree.points.size > 0) {
      const point = tree.any(tree.points.keys())
      const alone = await freedAlone(point)
      const { told, freed } = await dropAndCompare(tree, [point])
      expectFreed({ told, freed })
      expect(alone).toMatchObject({ exclusive: told, freedIfDeleted: told })
      if (tree.upTo(3) === 0) await tree.write(tree.any(tree.heads.keys()))
      expect(await tree.wrong()).toEqual([])
    }
    for (const volume of tree.heads.keys()) await tree.dropHead(volume)
    expect(await rig.leftovers()).toEqual([])
  })

  test.each([7, 8])("free together what is said of them together (%i)", async (seed) => {
    const tree = await grownTree(rig, seed, 20)
    while (tree.points.size > 0) {
      const some = [...tree.points.keys()].filter(() => tree.upTo(3) === 0)
      expectFreed(await dropAndCompare(tree, some))
      expect(await tree.wrong()).toEqual([])
    }
  })

  test.each([9, 10])("give back what heads gone since had kept (%i)", async (seed) => {
    const tree = await grownTree(rig, seed)
    for (const point of [...tree.points.keys()]) if (tree.upTo(2) === 0) await tree.drop(point)
    while (tree.heads.size > 1) {
      await tree.dropHead(tree.any(tree.heads.keys()))
      expect(await tree.wrong()).toEqual([])
      expect(await rig.engine.freed([])).toBe(0)
    }
  })
})

describe("a point overwritten later", () => {
  /** A mebibyte, the point, and over half of it something else. */
  async function halfOverwritten() {
    const tree = new WrittenTree(rig, 1)
    const volume = await tree.volume(4 * mebi)
    await tree.writeOpen(volume, 0, "first", mebi)
    const point = await tree.point(volume)
    await tree.writeOpen(volume, 0, "second", mebi / 2)
    return { tree, volume, point }
  }

  test("gives back what was overwritten, to the cluster", async () => {
    const { tree, point } = await halfOverwritten()
    expectFreed(await dropAndCompare(tree, [point]), mebi / 2)
    expect(await tree.wrong()).toEqual([])
  })

  test("gives back only what all have overwritten that stand on it", async () => {
    const { tree, point } = await halfOverwritten()
    const clone = await tree.volume(4 * mebi, point)
    expect(await rig.engine.freed([point])).toBe(0)
    await tree.writeOpen(clone, mebi / 4, "third", mebi / 2)
    expectFreed(await dropAndCompare(tree, [point]), mebi / 4)
    expect(await tree.wrong()).toEqual([])
  })

  test("is marked as hollow beside its layer, until the layer goes", async () => {
    const { tree, volume, point } = await halfOverwritten()
    const layer = tree.pointLayer(point)
    await tree.drop(point)
    const marker = `${layer}.hollow`
    expect(await readdir(join(rig.dataDir, "layers"))).toContain(marker)
    await tree.dropHead(volume)
    expect(await rig.leftovers()).toEqual([])
  })

  test("is read right by a process that has had it open all along", async () => {
    const { tree, volume, point } = await halfOverwritten()
    const graph = await rig.engine.open(volume)
    const opener = await rig.opener([graph])
    graph[Symbol.dispose]()
    const first = await opener.read(volume, 0, mebi)
    expectFreed(await dropAndCompare(tree, [point]), mebi / 2)
    expect((await opener.read(volume, 0, mebi)).equals(first)).toBe(true)
    expect((await opener.read(volume, mebi / 2, mebi / 2)).equals(first.subarray(mebi / 2))).toBe(
      true,
    )
    await opener.close()
    expect(await tree.wrong()).toEqual([])
  })

  test("comes back after all when the light went out in between", async () => {
    for (const nth of [1, 2]) {
      const { tree, point } = await halfOverwritten()
      const before = await tree.heldBytes()
      rig.failCommits("after", nth)
      await rig.engine.dropPoint(point).catch(() => {})
      await rig.restart()
      tree.points.delete(point)
      expectFreed({ told: mebi / 2, freed: before - (await tree.heldBytes()) })
      expect(rig.memory.records().some(({ body }) => (body as { reclaim?: boolean }).reclaim)).toBe(
        false,
      )
      expect(await tree.wrong()).toEqual([])
    }
  })

  test("stays as it is as long as somebody reads the very point", async () => {
    const { tree, volume, point } = await halfOverwritten()
    const before = await tree.heldBytes()
    const reading = await rig.engine.open(volume)
    await tree.drop(point)
    expect(await tree.heldBytes()).toBe(before)
    expect(await rig.engine.upkeep()).toEqual([])
    reading[Symbol.dispose]()
    const works = await rig.engine.upkeep()
    expect(works).toMatchObject([{ volume, what: "giving back overwritten space" }])
    for (const { id } of works) {
      await rig.engine.prepare(id, watch())
      expect(await rig.engine.commit(id)).toBe(null)
      await rig.engine.finish(id)
    }
    expect(await rig.engine.upkeep()).toEqual([])
    expectFreed({ told: mebi / 2, freed: before - (await tree.heldBytes()) })
  })
})

describe("what volumes are charged for", () => {
  test("is all that is on disk, each layer to the one that wrote it", async () => {
    const tree = await grownTree(rig, 3)
    const usage = await rig.engine.usage()
    expect([...usage.values()].reduce((sum, bytes) => sum + bytes, 0)).toBe(await tree.heldBytes())
  })

  test("passes to those who still read it when its writer is gone", async () => {
    const tree = new WrittenTree(rig, 1)
    const writer = await tree.volume(4 * mebi)
    await tree.writeOpen(writer, 0, "written", 2 * mebi)
    const point = await tree.point(writer)
    const clone = await tree.volume(4 * mebi, point)
    const before = await rig.engine.usage()
    expect(before.get(writer)).toBeGreaterThanOrEqual(2 * mebi)
    expect(before.get(clone)).toBeLessThan(mebi)
    await tree.drop(point)
    expect((await rig.engine.usage()).get(writer)).toBeGreaterThanOrEqual(2 * mebi)
    await tree.dropHead(writer)
    const after = await rig.engine.usage()
    expect([...after.keys()]).toEqual([clone])
    expect(after.get(clone)).toBe(await tree.heldBytes())
  })

  test("points that are not there are in no sum", async () => {
    expect(await rig.engine.freed([newId<"point">()])).toBe(0)
    expect((await rig.engine.space([newId<"point">()])).size).toBe(0)
  })
})
