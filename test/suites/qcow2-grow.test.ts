/** Volumes that grew, as QEMU's own programs see their files: right sizes, same bytes, clean. */
import { readdir, readFile } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import type { PointId, VolumeId } from "../../src/domain/ids.ts"
import { dice, mebi } from "../../src/engines/content.suite.ts"
import { Family } from "../../src/engines/family.suite.ts"
import { run } from "../../src/platform/command.ts"
import { type Qcow2Rig, qcow2Rig, qcow2RigIn } from "../fixtures/engine-rigs.ts"

const qemuImg = (...args: string[]) => run(["qemu-img", ...args], { timeoutMs: 60_000 })

let rig: Qcow2Rig
let family: Family
beforeEach(async () => {
  rig = await qcow2Rig()
  await rig.limit({ softDepth: 6, hardDepth: 12 })
  family = new Family(() => rig)
})
afterEach(() => rig.end())

const layers = () => join(rig.dataDir, "layers")

async function expectClean(): Promise<void> {
  const names = await readdir(layers())
  for (const name of names.filter((name) => name.endsWith(".qcow2"))) {
    const args = ["check", "--output=json", "-f", "qcow2", join(layers(), name)]
    const check = JSON.parse(await qemuImg(...args))
    expect(check, name).toMatchObject({ "check-errors": 0 })
    for (const trouble of ["leaks", "corruptions"]) expect(check).not.toHaveProperty(trouble)
  }
}

/** The head's file and those it names, read by QEMU on its own. */
async function expectHead(volume: VolumeId): Promise<void> {
  const head = rig.memory.records().find(({ kind, id }) => kind === "volume" && id === volume)
  const target = join(rig.dataDir, "head.raw")
  await qemuImg("convert", "-O", "raw", join(layers(), `${head?.parent}.qcow2`), target)
  const right = family.model.content({ volume }).bytes()
  expect((await readFile(target)).equals(right)).toBe(true)
}

test.each([1, 2, 3, 4])(
  "family %i: grown at random, with points, reverts and upkeep",
  async (seed) => {
    const roll = dice(seed * 104_729)
    const volume = await family.volume(mebi + 512)
    const points: PointId[] = []
    for (let turn = 0; turn < 14; turn++) {
      const { sizeBytes } = family.model.content({ volume })
      const offset = Math.floor(roll() * (sizeBytes / 512 - 200)) * 512
      await family.write(
        volume,
        { offset, length: 100_352 },
        { offset: sizeBytes - 512, length: 512 },
      )
      if (roll() < 0.7) points.push(await family.keep(volume))
      if (roll() < 0.6) await family.grow(volume, sizeBytes + (1 + Math.floor(roll() * 400)) * 512)
      const [first] = points
      if (turn === 8 && first !== undefined) points.push(await family.revert(volume, first))
    }
    await expectHead(volume)
    await expectClean()
    await family.drop(...points.filter(() => roll() < 0.5))
    expect(await family.upkeep()).toBeGreaterThan(0)
    await family.expectAll()
    await expectHead(volume)
    await expectClean()
    await family.dropAll()
  },
)

test("its old head, once overwritten, gives back its space", async () => {
  const volume = await family.volume(4 * mebi)
  await family.write(volume, { offset: 0, length: 4 * mebi })
  await family.grow(volume, 8 * mebi)
  await family.write(volume, { offset: 0, length: 4 * mebi })
  await family.keep(volume)
  expect(await rig.bytesOnDisk()).toBeGreaterThan(8 * mebi)
  await family.upkeep()
  expect(await rig.bytesOnDisk()).toBeLessThan(5 * mebi)
  await family.expectAll()
  await family.dropAll()
})

test("growing often and writing nothing leaves one layer, not many", async () => {
  const volume = await family.volume(mebi)
  for (let turn = 1; turn <= 9; turn++) await family.grow(volume, mebi + turn * 512)
  await family.upkeep()
  const { length } = rig.memory.records().filter(({ kind }) => kind === "layer")
  expect(length).toBeLessThanOrEqual(2)
  await family.expectAll()
  await family.dropAll()
})

test("a memory that is lost finds it as large as it is", async () => {
  const volume = await family.volume(mebi)
  await family.write(volume, { offset: 0, length: 65_536 })
  await family.keep(volume)
  await family.grow(volume, 2 * mebi + 512)
  const again = await qcow2RigIn(rig.dataDir, rig.user)
  const { volumes, points } = await again.engine.salvage()
  expect(volumes).toMatchObject([{ sizeBytes: 2 * mebi + 512 }])
  expect(points.map(({ sizeBytes }) => sizeBytes)).toEqual([mebi, mebi])
  await again.engine.close()
})
