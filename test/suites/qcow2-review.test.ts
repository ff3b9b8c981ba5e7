/** Trouble in one place of the qcow2 engine that must stay there, and what must not be left out. */
import { stat, truncate, writeFile } from "node:fs/promises"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { PointId, VolumeId } from "../../src/domain/ids.ts"
import { bytesOf, watch } from "../../src/engines/content.suite.ts"
import type { Change } from "../../src/engines/engine.ts"
import { type Qcow2Rig, qcow2Rig, qcow2RigIn } from "../fixtures/engine-rigs.ts"
import { cluster, WrittenTree } from "../fixtures/written-tree.ts"

let rig: Qcow2Rig
let tree: WrittenTree
beforeEach(async () => {
  rig = await qcow2Rig()
  await rig.engine.recover()
  tree = new WrittenTree(rig, 1)
})
afterEach(() => rig.end())

const sizeBytes = 64 * cluster
const recordsOf = (kind: string) => rig.memory.records().filter((record) => record.kind === kind)
const due = () => recordsOf("layer").filter(({ body }) => (body as { reclaim: boolean }).reclaim)
const fill = (byte: number, first: number, count = 1) =>
  `write -P ${byte} ${first * cluster} ${count * cluster}`

async function carriedOut(): Promise<void> {
  for (;;) {
    const works = await rig.engine.upkeep()
    if (works.length === 0) return
    for (const { id } of works) {
      await rig.engine.prepare(id, watch())
      await rig.engine.commit(id)
      await rig.engine.finish(id)
    }
  }
}

/** Points with a cluster each, on a first one. */
async function points(volume: VolumeId, count: number): Promise<PointId[]> {
  const points: PointId[] = []
  for (let at = 0; at < count; at++) {
    await tree.io(volume, [fill(at + 1, at), fill(at + 1, 30 + at)])
    points.push(await tree.point(volume))
  }
  return points
}

/** A volume with a merge to be done. */
async function mergeable(): Promise<VolumeId> {
  const volume = await tree.volume(sizeBytes)
  const [, middle] = [await tree.point(volume), await tree.point(volume), await tree.point(volume)]
  await rig.engine.dropPoint(middle)
  return volume
}

test("changes leave nothing out when the layer that a short cut equals has lost its point", async () => {
  await rig.limit({ softDepth: 3, hardDepth: 16 })
  const volume = await tree.volume(sizeBytes)
  const kept = await points(volume, 5)
  const other = await tree.volume(sizeBytes, kept[0])
  await carriedOut()
  const last = await tree.point(volume)
  const top = kept.findIndex((point) => tree.pointLayer(point) === recordsOf("copy")[0]?.parent)
  const [here, there] = [top, 30 + top]
  await tree.io(other, [fill(0, here)])
  const elsewhere = await tree.point(other)
  for (let count = 0; count < 2; count++) {
    const clone = await tree.volume(sizeBytes, kept[top])
    await tree.io(clone, [fill(77, here), fill(77, there)])
    await tree.point(clone)
  }
  const expectAll = async () => {
    expect(holds(await rig.engine.changes(elsewhere, last), here)).toBe(true)
    expect(holds(await rig.engine.changes(null, last), there)).toBe(true)
  }
  await expectAll()
  await rig.engine.dropPoint(kept[top] as PointId)
  await expectAll()
  await rig.engine.dropPoint(kept[top - 1] as PointId)
  await carriedOut()
  await expectAll()
})

const holds = (changes: readonly Change[], number: number) =>
  changes.some(
    ({ offset, length }) => offset <= number * cluster && offset + length > number * cluster,
  )

describe("a head that is a cluster short", () => {
  async function cut() {
    const volume = await tree.volume(sizeBytes)
    await tree.io(volume, [fill(1, 0, 4)])
    const point = await tree.point(volume)
    const other = await tree.volume(sizeBytes, point)
    for (const each of [volume, other]) await tree.io(each, [fill(2, 0, 2)])
    const path = tree.layerPath(tree.headLayer(other))
    await truncate(path, (await stat(path)).size - cluster)
    return { volume, point, path }
  }

  test("covers nothing, gives up nobody's space, and is told", async () => {
    const { volume, point, path } = await cut()
    expect((await rig.engine.space([point])).get(point)).toMatchObject({ freedIfDeleted: 0 })
    expect(await rig.engine.freed([point])).toBe(0)
    const told = (await rig.engine.examine()).map(({ what }) => what)
    expect(told).toEqual([expect.stringContaining(path)])
    const before = await bytesOf(rig.engine, { volume })
    const held = (await stat(tree.layerPath(tree.pointLayer(point)))).blocks
    const layer = tree.layerPath(tree.pointLayer(point))
    await rig.engine.dropPoint(point)
    expect((await stat(layer)).blocks).toBe(held)
    expect(due()).toHaveLength(1)
    expect((await bytesOf(rig.engine, { volume })).equals(before)).toBe(true)
  })

  test("does not keep a lost memory from being made anew", async () => {
    const volume = await tree.volume(sizeBytes)
    await tree.io(volume, [fill(1, 0, 4)])
    const point = await tree.point(volume)
    await tree.io(volume, [fill(2, 0, 2)])
    const above = await tree.point(volume)
    await rig.engine.dropPoint(point)
    const path = tree.layerPath(tree.pointLayer(above))
    await truncate(path, (await stat(path)).size - cluster)
    const again = await qcow2RigIn(rig.dataDir, rig.user)
    expect(await again.engine.salvage()).toMatchObject({ volumes: [{ sizeBytes }], points: [] })
    await again.engine.close()
  })
})

test("clones that share a path are all shortened, one after the other", async () => {
  await rig.limit({ softDepth: 6, hardDepth: 40 })
  const volume = await tree.volume(sizeBytes)
  const kept = await points(volume, 30)
  const clones = []
  for (const at of [28, 27, 26, 25]) clones.push(await tree.volume(sizeBytes, kept[at]))
  await carriedOut()
  for (const each of [volume, ...clones]) expect(depth(each)).toBeLessThanOrEqual(6)
})

function depth(volume: VolumeId): number {
  let count = 0
  for (let at = tree.parentOf(tree.headLayer(volume)); at; at = tree.parentOf(at)) count++
  return count
}

test("a broken header above does not undo a commit, nor keep the next server from starting", async () => {
  const volume = await mergeable()
  const [work] = await rig.engine.upkeep()
  await rig.engine.prepare(work?.id ?? "", watch())
  const path = tree.layerPath(tree.headLayer(volume))
  await writeFile(path, Buffer.alloc(512), { flag: "r+" })
  expect(await rig.engine.commit(work?.id ?? "")).not.toBe(null)
  await rig.restart()
  expect((await rig.engine.examine()).map(({ what }) => what)).toEqual([
    expect.stringContaining(path),
  ])
})

test("plans that fail do not keep others from being found, and keep their names", async () => {
  const volumes = []
  for (let count = 0; count < 40; count++) volumes.push(await mergeable())
  const failed = new Set<string>()
  const met = new Set<VolumeId>()
  for (let round = 0; round < 4; round++) {
    for (const { id, volume } of await rig.engine.upkeep()) {
      met.add(volume)
      if (failed.has(id)) continue
      const stopped = { ...watch(), signal: AbortSignal.abort(new Error("stopped")) }
      await expect(rig.engine.prepare(id, stopped)).rejects.toThrow("stopped")
      await rig.engine.abandon(id)
      failed.add(id)
    }
  }
  expect(met).toEqual(new Set(volumes))
  expect(failed.size).toBe(40)
})

test("a revert taken back leaves nothing due that nobody tries", async () => {
  const volume = await tree.volume(sizeBytes)
  await tree.io(volume, [fill(1, 0, 4)])
  const origin = await tree.point(volume)
  await tree.io(volume, [fill(2, 0, 2)])
  const keep = await tree.revert(volume, origin)
  const clone = await tree.volume(sizeBytes, keep)
  await tree.io(clone, [fill(3, 0, 2)])
  await rig.engine.unrevertHead(volume, keep)
  expect(due()).toEqual([])
})

describe("two at one work", () => {
  test("one who gives up does not throw away what the other is making", async () => {
    await mergeable()
    const [work] = await rig.engine.upkeep()
    const id = work?.id ?? ""
    const stopped = { ...watch(), signal: AbortSignal.abort(new Error("stopped")) }
    const first = rig.engine.prepare(id, stopped)
    const second = rig.engine.prepare(id, watch())
    await expect(first).rejects.toThrow("stopped")
    await rig.engine.abandon(id)
    await second
    expect(await rig.engine.commit(id)).not.toBe(null)
    await rig.engine.finish(id)
    expect(await rig.engine.examine()).toEqual([])
  })

  test("a layer is not replaced while one of them may still move disks onto it", async () => {
    const volume = await mergeable()
    const [work] = await rig.engine.upkeep()
    const id = work?.id ?? ""
    await rig.engine.prepare(id, watch())
    await rig.engine.commit(id)
    await rig.engine.commit(id)
    await rig.engine.finish(id)
    await tree.io(volume, [fill(9, 9)])
    const next = await tree.point(volume)
    for (const { id: point, parent } of recordsOf("point")) {
      if (parent === id) await rig.engine.dropPoint(point as PointId)
    }
    expect(tree.parentOf(tree.pointLayer(next))).toBe(id)
    expect(await rig.engine.upkeep()).toEqual([])
    await rig.restart()
    expect(await rig.engine.upkeep()).toHaveLength(1)
  })
})
