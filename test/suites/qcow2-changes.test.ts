/** What lies between two points, against `qemu-img map` of each layer and the bytes themselves. */
import { open } from "node:fs/promises"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { newId, type PointId } from "../../src/domain/ids.ts"
import { fails } from "../../src/engines/content.suite.ts"
import type { Change } from "../../src/engines/engine.ts"
import { readLayerMap } from "../../src/engines/qcow2/layer-map.ts"
import { type Qcow2Rig, qcow2Rig } from "../fixtures/engine-rigs.ts"
import { expectedChanges } from "../fixtures/expected-changes.ts"
import { cluster, grownTree, WrittenTree } from "../fixtures/written-tree.ts"

let rig: Qcow2Rig
beforeEach(async () => {
  rig = await qcow2Rig()
  await rig.engine.recover()
})
afterEach(() => rig.end())

async function expectRight(
  tree: WrittenTree,
  from: PointId | null,
  to: PointId,
): Promise<Change[]> {
  const changes = await rig.engine.changes(from, to)
  const { must, may, disk } = await expectedChanges(tree, from, to)
  let last: Change | null = null
  const told = new Map<number, boolean>()
  for (const change of changes) {
    const { offset, length, zero } = change
    const end = offset + length
    expect(offset % cluster).toBe(0)
    expect(end % cluster === 0 || end === disk.length).toBe(true)
    expect(length).toBeGreaterThan(0)
    const lastEnd: number = last === null ? 0 : last.offset + last.length
    expect(offset).toBeGreaterThanOrEqual(lastEnd)
    // Neighbours of one kind are one.
    if (last !== null && lastEnd === offset) expect(zero).not.toBe(last.zero)
    for (let at = offset; at < end; at += cluster) told.set(at / cluster, zero)
    if (zero) expect(disk.subarray(offset, end).equals(Buffer.alloc(length))).toBe(true)
    last = change
  }
  for (const [number] of must) expect(told.has(number), `cluster ${number} is left out`).toBe(true)
  for (const [number] of told) {
    expect(must.has(number) || may.has(number), `cluster ${number} is too much`).toBe(true)
  }
  return changes
}

describe("the changes between two points", () => {
  test.each([1, 2, 3])(
    "are what was written on the way, wherever they stand (%i)",
    async (seed) => {
      const tree = await grownTree(rig, seed, 16)
      for (let pair = 0; pair < 12; pair++) {
        const [from, to] = [tree.any([...tree.points.keys(), null]), tree.any(tree.points.keys())]
        await expectRight(tree, from, to)
      }
    },
  )

  test("stay the same when points between them have gone and their space was given back", async () => {
    const tree = await grownTree(rig, 4, 16)
    const [kept, others]: [PointId[], PointId[]] = [[], []]
    for (const point of tree.points.keys()) (tree.upTo(2) === 0 ? kept : others).push(point)
    const pairs = kept.flatMap((from) => kept.map((to) => [from, to] as const)).slice(0, 12)
    const before = await Promise.all(pairs.map(([from, to]) => rig.engine.changes(from, to)))
    for (const point of others) await tree.drop(point)
    for (const [at, [from, to]] of pairs.entries()) {
      expect(await rig.engine.changes(from, to)).toEqual(before[at])
    }
  })

  test("are exact to the cluster, with what reads as zeros told apart", async () => {
    const tree = new WrittenTree(rig, 1)
    const volume = await tree.volume(100 * cluster)
    await tree.io(volume, [`write -P 1 0 ${10 * cluster}`])
    const from = await tree.point(volume)
    const zeros = `write -z ${4 * cluster} ${cluster}`
    const discard = `discard ${5 * cluster} ${cluster}`
    const overNothing = `write -z ${60 * cluster} ${cluster}`
    await tree.io(volume, [
      `write -P 2 ${cluster + 512} ${2 * cluster}`,
      zeros,
      discard,
      overNothing,
    ])
    await tree.io(volume, [`write -P 3 ${99 * cluster} 512`])
    const to = await tree.point(volume)
    expect(await rig.engine.changes(from, to)).toEqual([
      { offset: cluster, length: 3 * cluster, zero: false },
      { offset: 4 * cluster, length: 2 * cluster, zero: true },
      { offset: 99 * cluster, length: cluster, zero: false },
    ])
    expect(await rig.engine.changes(to, from)).toEqual([
      { offset: cluster, length: 5 * cluster, zero: false },
      { offset: 99 * cluster, length: cluster, zero: true },
    ])
    expect(await rig.engine.changes(null, to)).toEqual([
      { offset: 0, length: 4 * cluster, zero: false },
      { offset: 6 * cluster, length: 4 * cluster, zero: false },
      { offset: 99 * cluster, length: cluster, zero: false },
    ])
    expect(await rig.engine.changes(to, to)).toEqual([])
  })

  test("of two branches leave out what both wrote alike", async () => {
    const tree = new WrittenTree(rig, 1)
    const volume = await tree.volume(20 * cluster)
    const base = await tree.point(volume)
    await tree.writeOpen(volume, 0, "alike", 4 * cluster)
    await tree.writeOpen(volume, 6 * cluster, "one", cluster)
    const one = await tree.point(volume)
    await tree.revert(volume, base)
    await tree.writeOpen(volume, 0, "alike", 4 * cluster)
    await tree.writeOpen(volume, 2 * cluster, "other", 512)
    const other = await tree.point(volume)
    expect(await expectRight(tree, one, other)).toEqual([
      { offset: 2 * cluster, length: cluster, zero: false },
      { offset: 6 * cluster, length: cluster, zero: true },
    ])
  })

  test("of two branches tell zeros from what the other side wrote, many at once", async () => {
    const tree = new WrittenTree(rig, 1)
    const volume = await tree.volume(40 * cluster)
    const base = await tree.point(volume)
    await tree.io(volume, [`write -P 7 0 ${40 * cluster}`])
    const one = await tree.point(volume)
    await tree.revert(volume, base)
    const rest = 20 * cluster
    await tree.io(volume, [`write -P 7 0 ${rest}`, `write -z ${rest} ${rest}`])
    const other = await tree.point(volume)
    expect(await rig.engine.changes(one, other)).toEqual([
      { offset: rest, length: rest, zero: true },
    ])
    expect(await rig.engine.changes(other, one)).toEqual([
      { offset: rest, length: rest, zero: false },
    ])
  })

  test("do not look at what lies in a file beyond its disk's end", async () => {
    const tree = new WrittenTree(rig, 1)
    const volume = await tree.volume(4 * cluster + 512)
    const base = await tree.point(volume)
    await tree.writeOpen(volume, 4 * cluster, "alike", 512)
    const small = await tree.point(volume)
    const clone = await tree.volume(8 * cluster, base)
    await tree.writeOpen(clone, 4 * cluster, "alike", 512)
    const large = await tree.point(clone)
    const path = tree.layerPath(tree.pointLayer(small))
    const at = (await readLayerMap(path)).hostOffset(4) ?? 0
    const file = await open(path, "r+")
    await file.write(Buffer.alloc(4096, 9), 0, 4096, at + 512)
    await file.close()
    expect(await rig.engine.changes(small, large)).toEqual([])
    expect(await rig.engine.changes(large, small)).toEqual([])
  })

  test("count what lies beyond the smaller disk as zeros there", async () => {
    const tree = new WrittenTree(rig, 1)
    const small = await tree.volume(4 * cluster + 512)
    await tree.io(small, [`write -P 1 0 ${4 * cluster + 512}`])
    const from = await tree.point(small)
    const large = await tree.volume(8 * cluster, from)
    await tree.io(large, [`write -P 2 ${4 * cluster + 1024} 512`, `write -P 3 ${7 * cluster} 512`])
    tree.heads.get(large)?.fill(2, 4 * cluster + 1024, 4 * cluster + 1536)
    const to = await tree.point(large)
    const beyond = [
      { offset: 4 * cluster, length: cluster, zero: false },
      { offset: 7 * cluster, length: cluster, zero: false },
    ]
    expect(await rig.engine.changes(from, to)).toEqual(beyond)
    expect(await rig.engine.changes(to, from)).toEqual([
      { offset: 4 * cluster, length: 512, zero: false },
    ])
  })

  test("of a large and sparse disk are as exact", async () => {
    const tree = new WrittenTree(rig, 1)
    const size = 100 * 2 ** 30
    const volume = newId<"volume">()
    await rig.engine.createHead(volume, { sizeBytes: size })
    const from = newId<"point">()
    const to = newId<"point">()
    await rig.engine.createPoint(volume, from)
    const numbers = new Set(Array.from({ length: 200 }, () => tree.upTo(size / cluster)))
    await tree.io(
      volume,
      [...numbers].map((number) => `write -P 1 ${number * cluster} 4k`),
    )
    await rig.engine.createPoint(volume, to)
    const told = (await rig.engine.changes(from, to)).flatMap(({ offset, length }) =>
      Array.from({ length: length / cluster }, (_, at) => offset / cluster + at),
    )
    expect(told).toEqual([...numbers].sort((a, b) => a - b))
  })

  test("are refused for points that are not there", async () => {
    const tree = new WrittenTree(rig, 1)
    const point = await tree.point(await tree.volume(cluster))
    await fails("not-found", rig.engine.changes(point, newId<"point">()))
    await fails("not-found", rig.engine.changes(newId<"point">(), point))
    await fails("not-found", rig.engine.changes(null, newId<"point">()))
  })
})
