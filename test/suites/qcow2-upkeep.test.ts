/** Upkeep of the qcow2 engine as QEMU's own programs see it: whole files, right names, same bytes. */
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { PassThrough } from "node:stream"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import type { PointId, VolumeId } from "../../src/domain/ids.ts"
import {
  bytesOf,
  content,
  dice,
  mebi,
  pointId,
  put,
  watch,
} from "../../src/engines/content.suite.ts"
import { Family } from "../../src/engines/family.suite.ts"
import { type LayerId, layerFile } from "../../src/engines/qcow2/layer-files.ts"
import type { Work } from "../../src/engines/qcow2/works.ts"
import { run } from "../../src/platform/command.ts"
import { type Qcow2Rig, qcow2Rig } from "../fixtures/engine-rigs.ts"

const timeoutMs = 60_000
const qemuImg = (...args: string[]) => run(["qemu-img", ...args], { timeoutMs })
const block = 65_536

let rig: Qcow2Rig
let family: Family
beforeEach(async () => {
  rig = await qcow2Rig()
  await rig.limit({ softDepth: 6, hardDepth: 12 })
  family = new Family(() => rig)
})
afterEach(() => rig.end())

const pathOf = (layer: string) => join(rig.dataDir, "layers", layerFile(layer as LayerId))
const recordsOf = (kind: string) => rig.memory.records().filter((record) => record.kind === kind)
const runOf = (work: string) =>
  recordsOf("upkeep").flatMap(({ id, body }) => (id === work ? (body as Work).run : []))
const layersOnDisk = async () =>
  (await readdir(join(rig.dataDir, "layers"))).filter((name) => name.endsWith(".qcow2"))

async function expectClean(): Promise<void> {
  for (const name of await layersOnDisk()) {
    const check = JSON.parse(
      await qemuImg("check", "--output=json", "-f", "qcow2", join(rig.dataDir, "layers", name)),
    )
    expect(check, name).toMatchObject({ "check-errors": 0 })
    for (const trouble of ["leaks", "corruptions"]) expect(check).not.toHaveProperty(trouble)
  }
}

/** What is in the headers is what the memory says. */
async function expectNamed(): Promise<void> {
  for (const { id, parent, body } of recordsOf("layer")) {
    if ((body as { doomed: boolean }).doomed) continue
    const info = JSON.parse(await qemuImg("info", "-U", "--output=json", pathOf(id)))
    const name = parent === null ? undefined : layerFile(parent as LayerId)
    expect(info["backing-filename"], id).toBe(name)
  }
}

async function rolled(volume: VolumeId, roll: () => number): Promise<void> {
  const sizeBytes = family.model.content({ volume }).sizeBytes
  const blocks = Math.floor(sizeBytes / block)
  const how = [undefined, undefined, "write zeroes", "discard"] as const
  const writes = Array.from({ length: 3 }, () => {
    const first = Math.floor(roll() * blocks)
    const length = Math.min(1 + Math.floor(roll() * 4), blocks - first) * block
    const zero = how[Math.floor(roll() * how.length)]
    return { offset: first * block, length, ...(zero === undefined ? {} : { zero }) }
  })
  const end = { offset: sizeBytes - 512, length: 512 }
  await family.write(volume, ...writes, ...(roll() < 0.3 ? [end] : []))
}

describe.each([1, 2, 3])("family %i", (seed) => {
  test("what takes the place of others is what they were together, and a clean file", async () => {
    const roll = dice(seed * 7919)
    const volume = await family.volume(3 * mebi + 512)
    const points: PointId[] = []
    for (let turn = 0; turn < 12; turn++) {
      await rolled(volume, roll)
      points.push(await family.keep(volume))
    }
    const clone = await family.clone(points[4] ?? pointId(), 5 * mebi + 1024)
    for (let turn = 0; turn < 9; turn++) {
      await rolled(clone, roll)
      points.push(await family.keep(clone))
    }
    await family.drop(...points.filter(() => roll() < 0.4))
    let compared = 0
    for (let works = await rig.engine.upkeep(); works[0]; works = await rig.engine.upkeep()) {
      const [{ id }] = works
      await rig.engine.prepare(id, watch())
      const top = runOf(id).at(-1) ?? ""
      const named = recordsOf("point").some(({ parent }) => parent === top)
      const restack = await rig.engine.commit(id)
      expect(restack?.links.length).toBe(recordsOf("layer").filter((l) => l.parent === id).length)
      await expectNamed()
      // One that nobody reads by itself may lack what is out of reach.
      if (named)
        await qemuImg("compare", "-U", "-f", "qcow2", "-F", "qcow2", pathOf(top), pathOf(id))
      if (named) compared++
      await rig.engine.finish(id)
    }
    await family.expectAll()
    expect(compared).toBeGreaterThan(0)
    await expectClean()
    await expectNamed()
    await family.dropAll()
  })
})

test("sixty points kept: the path stays short, and each of them reads right", async () => {
  await rig.limit({})
  const volume = await family.volume(mebi)
  const depth = async () => {
    using graph = await rig.engine.open(volume)
    return graph.nodes.length / 2 - 1
  }
  for (let turn = 0; turn < 60; turn++) {
    await family.write(volume, { offset: (turn % 16) * block, length: block })
    await family.keep(volume)
    await family.upkeep()
    expect(await depth()).toBeLessThanOrEqual(24)
  }
  await family.expectAll()
  expect(await rig.bytesOnDisk()).toBeLessThan(60 * 4 * block + 60 * 4 * block)
  await family.dropAll()
})

test("a tombstone with two children goes when one is left", async () => {
  const volume = await family.volume(mebi)
  await family.write(volume, { offset: 0, length: 4 * block })
  const [below, origin] = [await family.keep(volume), await family.keep(volume)]
  const clone = await family.clone(origin)
  for (const one of [volume, clone]) {
    await family.write(one, { offset: block, length: block })
    await family.keep(one)
  }
  await family.drop(below, origin)
  await family.upkeep()
  const before = (await layersOnDisk()).length
  await family.drop(...[...family.model.points.keys()].slice(-1))
  await family.dropHead(clone)
  expect(await family.upkeep()).toBe(1)
  // The clone's two layers and its tombstone went; what is left is one layer and the head.
  expect([before, (await layersOnDisk()).length]).toEqual([5, 2])
  await family.expectAll()
  await family.dropAll()
})

test("what was broken off goes on where it was, and ends the same", async () => {
  const volume = await family.volume(128 * mebi)
  const bytes = content("a large disk", 128 * mebi)
  await put(rig.engine, volume, bytes)
  family.model.write(volume, 0, bytes)
  const below = await family.keep(volume)
  const writes = [40, 50, 60, 90].map((at) => ({ offset: at * mebi + 512, length: 9 * mebi }))
  await family.write(volume, ...writes)
  const top = await family.keep(volume)
  await family.drop(below)
  await rig.limit({ bytesPerSecond: 2 ** 40 })
  const [work] = await rig.engine.upkeep()
  const id = work?.id ?? ""
  const stop = new AbortController()
  const progress = (done: number) => {
    if (done >= 110 * mebi) stop.abort(new Error("stopped"))
  }
  const stopped = rig.engine.prepare(id, { progress, signal: stop.signal })
  await expect(stopped).rejects.toThrow("stopped")
  await rig.restart()
  expect(await rig.engine.examine()).toEqual([])
  const heard: number[] = []
  await rig.engine.prepare(id, { ...watch(), progress: (done) => heard.push(done) })
  expect(heard[0]).toBeGreaterThanOrEqual(64 * mebi)
  const old = runOf(id).at(-1) ?? ""
  await rig.engine.commit(id)
  await qemuImg("compare", "-U", "-f", "qcow2", "-F", "qcow2", pathOf(old), pathOf(id))
  await rig.engine.finish(id)
  expect(
    (await bytesOf(rig.engine, { point: top })).equals(family.model.content({ volume }).bytes()),
  ).toBe(true)
  await expectClean()
  await family.dropAll()
})

test("a transfer reads on in what was replaced, and takes it along when it ends", async () => {
  const volume = await family.volume(4 * mebi)
  await family.write(volume, { offset: 0, length: 2 * mebi })
  const below = await family.keep(volume)
  await family.write(volume, { offset: mebi, length: 2 * mebi })
  const top = await family.keep(volume)
  await family.drop(below)
  const right = family.model.content({ point: top }).bytes()
  const pipe = new PassThrough({ highWaterMark: 1 })
  const reading = rig.engine.read({ point: top }, { format: "raw", open: () => pipe }, watch())
  const chunks: Buffer[] = []
  const first = await new Promise<Buffer>((told) => pipe.once("data", told))
  pipe.pause()
  chunks.push(first)
  expect(await family.upkeep()).toBe(1)
  expect((await layersOnDisk()).length).toBe(4)
  pipe.on("data", (chunk: Buffer) => chunks.push(chunk))
  pipe.resume()
  await reading
  expect(Buffer.concat(chunks).equals(right)).toBe(true)
  expect((await layersOnDisk()).length).toBe(2)
  await family.expectAll()
  await family.dropAll()
})

test("a layer that may change again while it is copied is not replaced by the copy", async () => {
  const volume = await family.volume(mebi)
  const origin = await family.keep(volume)
  await family.write(volume, { offset: 0, length: block })
  const middle = await family.keep(volume)
  await family.write(volume, { offset: block, length: block })
  await family.drop(middle)
  const before = family.model.content({ volume }).copy()
  const keep = await family.revert(volume, origin)
  const [work] = await rig.engine.upkeep()
  await rig.engine.prepare(work?.id ?? "", watch())
  await rig.engine.unrevertHead(volume, keep)
  const opener = await rig.opener([await rig.engine.open(volume)])
  const word = content("written since", 512)
  await opener.write(volume, 2 * block, word)
  before.write(2 * block, word)
  await opener.close()
  const after = pointId()
  await rig.engine.createPoint(volume, after)
  expect(await rig.engine.commit(work?.id ?? "")).toBe(null)
  for (const of of [{ volume }, { point: after }]) {
    expect((await bytesOf(rig.engine, of)).equals(before.bytes())).toBe(true)
  }
  expect(await rig.engine.examine()).toEqual([])
})
