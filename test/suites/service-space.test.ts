/** A disk that is nearly full: new work is refused, everything else goes on. On fakes, so quick. */
import { PassThrough } from "node:stream"
import { describe, expect, test } from "vitest"
import { operation } from "../../src/ledger/samples.suite.ts"
import {
  contentOf,
  done,
  filledVolume,
  MiB,
  runningMachine,
  snapshotContent,
} from "../crash/stage.ts"
import { bytesOf, right, upload } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const plenty = { totalBytes: 2 ** 40, freeBytes: 2 ** 40 }
const mark = 100 * MiB
let fileSystem = plenty
const freeBytes = (bytes: number) => {
  fileSystem = { totalBytes: plenty.totalBytes, freeBytes: bytes }
}

const house = houseForEachTest({
  capacity: { lowWater: { bytes: mark }, fileSystem: () => fileSystem },
})
const { core, volumeOf, snapshotOf } = house

const makeVolume = () =>
  core().volumes.create({ who: house.stage.who }, { name: "v", sizeBytes: MiB })

/** A machine, a volume and a snapshot of it, made while there was room. */
async function furnished() {
  freeBytes(plenty.freeBytes)
  const { machine } = await runningMachine(house.stage)
  const { volume } = await filledVolume(house.stage, "old")
  const { id: snapshot } = await snapshotOf(house.stage.who, volume)
  right(
    await core().volumes.importFrom({ who: house.stage.who }, volume, upload(bytesOf("new", MiB))),
  )
  return { machine, volume, snapshot }
}

describe("below the low-water mark", () => {
  test("nothing is begun that needs room, and the fault says how much there is", async () => {
    const { who } = house.stage
    const { machine, volume, snapshot } = await furnished()
    const operations = await house.stage.making.ledger.read.operations.count({})
    freeBytes(mark - 1)
    const fault = {
      kind: "no-space",
      neededBytes: MiB,
      freeBytes: mark - 1,
      keptBytes: mark,
    }
    expect(await makeVolume()).toEqual({ ok: false, fault })
    const [image] = right(await core().images.list(who, { limit: 1 }))
    const imageId = image?.id as never
    const machineSource = { kind: "machine", id: machine } as const
    const refused = [
      core().volumes.create({ who }, { name: "clone", snapshotId: snapshot }),
      core().volumes.importFrom({ who }, volume, upload(bytesOf("more", MiB))),
      core().machines.create({ who }, { name: "m2", imageId }),
      core().snapshots.create({ who }, { name: "s", source: { kind: "volume", id: volume } }),
      core().snapshots.create({ who }, { name: "s", source: machineSource }),
      core().images.buildDemo({ who }),
      core().images.importFrom(
        { who },
        { name: "j", format: "raw", source: upload(bytesOf("j", MiB)) },
      ),
    ]
    for (const each of refused) expect(faultOf(await each)).toBe("no-space")
    expect(await house.stage.making.ledger.read.operations.count({})).toBe(operations)
  })

  test("deleting, stopping, starting, reading and going back go on", async () => {
    const { who } = house.stage
    const { machine, volume, snapshot } = await furnished()
    freeBytes(0)
    expect(await contentOf(house.stage, volume)).toBe("new")
    expect(await snapshotContent(house.stage, snapshot)).toBe("old")
    await done(house.stage, core().volumes.revert({ who }, volume, snapshot))
    expect(await contentOf(house.stage, volume)).toBe("old")
    await done(house.stage, core().machines.stop({ who }, machine, { hard: true }))
    await done(house.stage, core().machines.start({ who }, machine))
    await done(house.stage, core().snapshots.remove({ who }, snapshot))
    await done(house.stage, core().volumes.remove({ who }, volume, { cascade: true }))
    await done(house.stage, core().machines.remove({ who }, machine))
  })

  test("it shows, and work goes on when there is room again", async () => {
    const { who } = house.stage
    const paused = `new work is paused: ${mark - 1} bytes are free, ${mark} of them must stay free`
    freeBytes(mark - 1)
    const ready = await core().house.readiness()
    expect(ready).toMatchObject({ ready: true, details: { space: paused } })
    const [note, ...others] = right(await core().house.doctor(who, { fix: false, rebuild: false }))
    expect(note).toMatchObject({ severity: "note", what: paused })
    expect(others).toEqual([])
    expect(await core().house.metrics()).toContain("tintype_paused 1")
    freeBytes(mark + MiB)
    const details = { space: "ok", freeBytes: String(mark + MiB) }
    expect(await core().house.readiness()).toMatchObject({ details })
    expect(right(await core().house.doctor(who, { fix: false, rebuild: false }))).toEqual([])
    expect(await core().house.metrics()).toContain("tintype_paused 0")
    right(await makeVolume())
  })
})

describe("what work under way may need", () => {
  test("is not given to anybody else until it has ended", async () => {
    const { who } = house.stage
    freeBytes(plenty.freeBytes)
    const volume = await volumeOf(who)
    freeBytes(mark + 2 * MiB)
    const stream = new PassThrough()
    const source = { format: "raw", stream, lengthBytes: MiB } as const
    const importing = core().volumes.importFrom({ who }, volume.id, source)
    const { operations } = house.stage.making.ledger.read
    await expect.poll(() => operations.sum("reservedBytes", {})).toBe(MiB)
    const wish = { name: "i", format: "raw" } as const
    const refused = await core().images.importFrom({ who }, { ...wish, source: sized(MiB + 1) })
    const fault = { neededBytes: MiB + 1, freeBytes: mark + 2 * MiB, keptBytes: mark + MiB }
    expect(refused).toMatchObject({ fault })
    stream.end(bytesOf("new", MiB))
    right(await importing)
    right(await core().images.importFrom({ who }, { ...wish, source: sized(MiB + 1) }))
  })
})

describe("an upload of unknown length", () => {
  test("may need as much as the volume holds, or what its sender says at most", async () => {
    const { who } = house.stage
    freeBytes(plenty.freeBytes)
    const volume = await volumeOf(who)
    freeBytes(mark + MiB - 1)
    const unsure = () => ({ ...upload(bytesOf("new", 1024)), lengthBytes: null })
    const take = (most: object) =>
      core().volumes.importFrom({ who }, volume.id, { ...unsure(), ...most })
    const fault = { kind: "no-space", neededBytes: MiB }
    expect(await take({})).toMatchObject({ fault })
    expect(await take({ mostBytes: 1023 })).toMatchObject({ fault: { kind: "size", bytes: 1024 } })
    right(await take({ mostBytes: 1024 }))
  })
})

const sized = (lengthBytes: number) => ({
  ...upload(bytesOf("i", lengthBytes)),
  diskBytes: 2 * MiB,
})

test("what reverts kept goes first where space is short, the oldest before the others", async () => {
  const { who } = house.stage
  const { volume, snapshot } = await furnished()
  for (const text of ["newer", "newest"]) {
    await done(house.stage, core().volumes.revert({ who }, volume, snapshot))
    right(await core().volumes.importFrom({ who }, volume, upload(bytesOf(text, MiB))))
  }
  await done(house.stage, core().volumes.revert({ who }, volume, snapshot))
  const recoveries = async () => {
    const all = right(await core().snapshots.list(who, { limit: 10 }))
    return all.filter(({ recovery }) => recovery).map(({ id }) => id)
  }
  const kept = await recoveries()
  expect(kept).toHaveLength(3)
  const look = async () => {
    await house.stage.service.makeRoom()
    await house.stage.service.executor.idle()
    return await recoveries()
  }
  freeBytes(mark)
  expect(await look()).toEqual(kept)
  freeBytes(mark - 1)
  const contents = await Promise.all(kept.map((id) => snapshotContent(house.stage, id)))
  expect(contents.toSorted()).toEqual(["new", "newer", "newest"])
  const left = await look()
  expect(left).toHaveLength(2)
  const gone = kept.findIndex((id) => !left.includes(id))
  expect(contents[gone]).toBe("new")
  expect(await look()).toHaveLength(1)
  expect(await look()).toEqual([])
  expect(await look()).toEqual([])
  expect(await snapshotContent(house.stage, snapshot)).toBe("old")
})

test("what something stuck needs does not keep the rest of what reverts kept", async () => {
  const { who } = house.stage
  const { volume, snapshot } = await furnished()
  for (let n = 0; n < 2; n++) {
    await done(house.stage, core().volumes.revert({ who }, volume, snapshot))
    right(await core().volumes.importFrom({ who }, volume, upload(bytesOf("new", MiB))))
  }
  const { ledger } = house.stage.making
  const kept = async () =>
    (await ledger.read.snapshots.find({ recovery: true })).map(({ id }) => id)
  const [oldest, younger] = await kept()
  const stuck = operation({ state: "stuck", reservedBytes: 0 })
  await ledger.transaction((rooms) => rooms.operations.enqueue(stuck, [`${oldest}`]))
  freeBytes(0)
  expect(younger).toBeDefined()
  await house.stage.service.makeRoom()
  await house.stage.service.executor.idle()
  expect(await kept()).toEqual([oldest])
})
