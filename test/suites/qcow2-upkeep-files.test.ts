/** The files that upkeep makes, when there are very many clusters, and when something went missing. */
import { open, readdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { bytesOf, watch } from "../../src/engines/content.suite.ts"
import { Family } from "../../src/engines/family.suite.ts"
import { Clusters } from "../../src/engines/qcow2/clusters.ts"
import { FullLayer } from "../../src/engines/qcow2/full-layer.ts"
import { readLayerMap } from "../../src/engines/qcow2/layer-map.ts"
import { run } from "../../src/platform/command.ts"
import { type Qcow2Rig, qcow2Rig, qcow2RigIn } from "../fixtures/engine-rigs.ts"

const timeoutMs = 60_000
const qemuImg = (...args: string[]) => run(["qemu-img", ...args], { timeoutMs })
const [block, mebi] = [65_536, 2 ** 20]

let rig: Qcow2Rig
beforeEach(async () => {
  rig = await qcow2Rig()
  await rig.limit({ softDepth: 6, hardDepth: 12 })
})
afterEach(() => rig.end())

function every(step: number, count: number, from: number): Clusters {
  const clusters = new Clusters()
  for (let at = 0; at < count; at++) clusters.add(from + at * step)
  return clusters
}

test.each([
  ["nothing", 512, 0],
  ["one cluster", 2 ** 20, 1],
  ["more than one block of counts", 2 ** 40, 40_000],
  ["the end of the largest disk", 64 * 2 ** 40, 3000],
])("a layer laid out by hand is clean and says what it holds: %s", async (_, sizeBytes, count) => {
  const last = sizeBytes / block - 1
  const step = Math.max(1, Math.floor(last / Math.max(1, count) / 3))
  const data = every(step, count, Math.max(0, Math.floor(last - step * (count - 1))))
  const zero = every(1, Math.floor(count / 9), 7).minus(data)
  const layer = new FullLayer({ sizeBytes, data, zero })
  const path = join(rig.dataDir, "by-hand.qcow2")
  const file = await open(path, "w")
  for (const { at, bytes } of layer.metadata(null)) await file.write(bytes, 0, bytes.length, at)
  await file.truncate(layer.fileBytes)
  await file.close()
  const check = JSON.parse(await qemuImg("check", "--output=json", "-f", "qcow2", path))
  expect(check).toMatchObject({ "check-errors": 0 })
  for (const trouble of ["leaks", "corruptions"]) expect(check).not.toHaveProperty(trouble)
  if (count > 0) expect(check["allocated-clusters"]).toBeGreaterThanOrEqual(count)
  const map = await readLayerMap(path)
  expect([...map.data.runs()]).toEqual([...data.runs()])
  expect([...map.zero.runs()]).toEqual([...zero.runs()])
  let rank = 0
  for (const { first } of data.runs()) {
    if (step > 1) expect(map.hostOffset(first)).toBe(layer.offsetOf(rank++))
  }
})

/** A volume and its clone with points, some of them dropped: merges and skip layers of all kinds. */
async function grown(family: Family) {
  const volume = await family.volume(mebi)
  const points = []
  for (let turn = 0; turn < 14; turn++) {
    await family.write(volume, { offset: (turn % 5) * block, length: 2 * block })
    points.push(await family.keep(volume))
  }
  const [clone] = [await family.clone(points[3] ?? ("" as never))]
  await family.write(clone, { offset: 6 * block, length: block })
  await family.keep(clone)
  const dropped = points.filter((_, at) => [0, 3, 7, 8].includes(at))
  return { volume, dropped }
}

test("a memory that is lost is made anew from what upkeep left, with nothing that never was", async () => {
  const family = new Family(() => rig)
  const { dropped } = await grown(family)
  const contents = () =>
    [...family.model.points.values(), ...family.model.heads.values()].map(({ content }) =>
      content.bytes().toString("base64"),
    )
  const ever = new Set(contents())
  await family.drop(...dropped)
  // The last of the work is built and not committed: it is no layer yet.
  for (let count = 0; ; count++) {
    const [work] = await rig.engine.upkeep()
    await rig.engine.prepare(work?.id ?? "", watch())
    if (count === 2) break
    await family.replace(work?.id ?? "", [])
  }
  const again = await qcow2RigIn(rig.dataDir, rig.user)
  const { volumes, points } = await again.engine.salvage()
  const found = new Set<string>()
  for (const of of [
    ...volumes.map(({ id }) => ({ volume: id })),
    ...points.map(({ id }) => ({ point: id })),
  ]) {
    found.add((await bytesOf(again.engine, of)).toString("base64"))
  }
  expect([...found].filter((bytes) => !ever.has(bytes))).toEqual([])
  expect(contents().filter((bytes) => !found.has(bytes))).toEqual([])
  await again.engine.close()
})

test("when what was built is gone, everything stays as it was, and it is built again", async () => {
  const family = new Family(() => rig)
  const { dropped } = await grown(family)
  await family.drop(...dropped)
  const [work] = await rig.engine.upkeep()
  await rig.engine.prepare(work?.id ?? "", watch())
  const layers = join(rig.dataDir, "layers")
  const [built] = (await readdir(layers)).filter((name) => name.endsWith(".part"))
  await rm(join(layers, built ?? ""))
  expect(await rig.engine.commit(work?.id ?? "")).toBe(null)
  await rig.engine.finish(work?.id ?? "")
  await family.expectAll()
  expect(await family.upkeep()).toBeGreaterThan(0)
  await family.expectAll()
  await family.dropAll()
})
