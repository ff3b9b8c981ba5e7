/** Volumes made of other volumes and of single points, and machines that are resized. On fakes. */
import { PassThrough } from "node:stream"
import { describe, expect, test } from "vitest"
import type { VolumeId } from "../../src/domain/ids.ts"
import {
  changedMachine,
  contentOf,
  done,
  filledVolume,
  MiB,
  runningMachine,
} from "../crash/stage.ts"
import { bytesOf, ending, right } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core, member, snapshotOf } = house
const me = () => house.stage.who
const ledger = () => house.stage.making.ledger
const cloneOf = (id: VolumeId, more: object = {}) =>
  core().volumes.create({ who: me() }, { name: "copy", cloneOf: id, ...more })

/** The volume is held for as long as its file is on its way; resolves what ends that. */
async function filling(volume: VolumeId): Promise<(text: string) => Promise<void>> {
  const stream = new PassThrough()
  const source = { format: "raw", stream, lengthBytes: MiB } as const
  const importing = core().volumes.importFrom({ who: me() }, volume, source)
  await expect.poll(() => ledger().read.operations.holding(volume)).toHaveLength(1)
  return async (text) => {
    stream.end(bytesOf(text, MiB))
    right(await importing)
  }
}

describe("a volume that is a copy of another", () => {
  test("holds what that held, and leaves nothing else behind", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const copy = await done(house.stage, cloneOf(volume, { type: "SATA", tags: { a: 1 } }))
    expect(right(await core().volumes.get(me(), copy.id))).toMatchObject({
      state: "available",
      sizeBytes: MiB,
      type: "SATA",
      tags: { a: 1 },
      fromSnapshotId: null,
    })
    expect(await contentOf(house.stage, copy.id)).toBe("old")
    expect(right(await core().snapshots.list(me(), { limit: 10 }))).toEqual([])
    expect(await ledger().read.points.count({})).toBe(0)
    const findings = right(await core().house.doctor(me(), { fix: false, rebuild: false }))
    expect(findings).toEqual([])
  })

  test("of a running machine's disks goes its own way from then on", async () => {
    const { machine, extra } = await runningMachine(house.stage)
    const { rootVolumeId } = right(await core().machines.get(me(), machine))
    const [copy, root] = [
      await done(house.stage, cloneOf(extra)),
      await done(house.stage, cloneOf(rootVolumeId)),
    ]
    await house.stage.making.poke(house.stage.host, machine, 1, "two")
    expect(await contentOf(house.stage, copy.id)).toBe("one")
    expect(await contentOf(house.stage, root.id)).toBe("an image")
    expect(right(await core().volumes.get(me(), root.id))).toMatchObject({ role: "extra" })
    await done(house.stage, core().machines.attach({ who: me() }, machine, copy.id))
    expect(await house.stage.making.peek(house.stage.host, machine, 2)).toBe("one")
  })

  test("may be larger, and not smaller", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const large = await done(house.stage, cloneOf(volume, { sizeBytes: 2 * MiB }))
    expect(large.sizeBytes).toBe(2 * MiB)
    expect(faultOf(await cloneOf(volume, { sizeBytes: MiB / 2 }))).toBe("size")
  })

  test("is not made of another account's, nor of one that is going", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const asking = { who: await member("else") }
    const wish = { name: "copy", cloneOf: volume }
    expect(faultOf(await core().volumes.create(asking, wish))).toBe("not-found")
    await ledger().transaction((rooms) => rooms.volumes.change(volume, { state: "deleting" }))
    expect(faultOf(await cloneOf(volume))).toBe("wrong-state")
  })

  test("is as that is when its turn comes; where that failed meanwhile, so does the copy", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const end = await filling(volume)
    const [first, second] = [await cloneOf(volume), await cloneOf(volume)]
    const { holding } = ledger().read.operations
    expect(await holding(volume)).toHaveLength(3)
    await end("new")
    const copy = await ending(house.stage.service, ledger(), first)
    expect(await contentOf(house.stage, copy.resource.id)).toBe("new")
    expect((await ending(house.stage.service, ledger(), second)).state).toBe("done")

    const finish = await filling(volume)
    const waiting = await cloneOf(volume)
    await ledger().transaction((rooms) => rooms.volumes.change(volume, { state: "failed" }))
    await finish("newer")
    const { state, resource, fault } = await ending(house.stage.service, ledger(), waiting)
    expect([state, fault?.kind]).toEqual(["undone", "wrong-state"])
    expect(right(await core().volumes.get(me(), resource.id)).state).toBe("failed")
  })
})

describe("a volume made of one point", () => {
  test("is of the very volume that was named", async () => {
    const { extra, snapshot } = await changedMachine(house.stage)
    const { points } = right(await core().snapshots.get(me(), snapshot))
    const point = points.find(({ volumeId }) => volumeId === extra)
    const made = async (wish: object) => {
      const asking = { who: me() }
      const { id } = await done(
        house.stage,
        core().volumes.create(asking, { name: "v", ...wish } as never),
      )
      return await contentOf(house.stage, id)
    }
    expect(await made({ snapshotId: snapshot })).toBe("an image")
    expect(await made({ snapshotId: snapshot, volumeId: extra })).toBe("one")
    expect(await made({ pointId: point?.id })).toBe("one")
  })

  test("is not made of what another account has, nor of a deleted snapshot's", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const { id, points } = await snapshotOf(me(), volume)
    const pointId = points[0]?.id as never
    const wish = { name: "v", pointId }
    const stranger = { who: await member("else") }
    const refused = { fault: { kind: "not-found", what: "point", id: pointId } }
    expect(await core().volumes.create(stranger, wish)).toMatchObject(refused)
    await done(house.stage, core().snapshots.remove({ who: me() }, id))
    expect(await core().volumes.create({ who: me() }, wish)).toMatchObject(refused)
  })

  test("has a name of its own under a rule that names are unique", async () => {
    await filledVolume(house.stage, "old")
    const wish = { name: "v", sizeBytes: MiB, nameRule: { unique: true } }
    expect(faultOf(await core().volumes.create({ who: me() }, wish))).toBe("name-taken")
  })
})

describe("a machine that is resized", () => {
  test("running, is refused without a restart, and comes up with one", async () => {
    const { machine } = await runningMachine(house.stage)
    const asking = { who: me() }
    const wish = { memoryMiB: 512, cpus: 4 }
    const refused = await core().machines.resize(asking, machine, { ...wish, restart: false })
    expect(refused).toMatchObject({ fault: { kind: "wrong-state", needs: ["stopped"] } })
    await done(house.stage, core().machines.resize(asking, machine, { ...wish, restart: true }))
    const { hardware, state } = right(await core().machines.get(me(), machine))
    expect({ ...hardware, state }).toMatchObject({ ...wish, state: "running" })
    expect(hardware.machineType).not.toBeNull()
  })

  test("off, stays off; what is not named stays", async () => {
    const { machine } = await runningMachine(house.stage)
    const asking = { who: me() }
    await done(house.stage, core().machines.stop(asking, machine, { hard: true }))
    await done(house.stage, core().machines.resize(asking, machine, { cpus: 3, restart: true }))
    expect(right(await core().machines.get(me(), machine))).toMatchObject({
      state: "stopped",
      hardware: { memoryMiB: 256, cpus: 3 },
    })
  })

  test.each([
    ["nothing", {}],
    ["too little memory", { memoryMiB: 63 }],
    ["too much memory", { memoryMiB: 2 ** 20 + 1 }],
    ["half a processor", { cpus: 0.5 }],
    ["no processor", { cpus: 0 }],
    ["too many processors", { cpus: 65 }],
  ])("to %s is refused", async (_what, wish) => {
    const { machine } = await runningMachine(house.stage)
    const refused = await core().machines.resize({ who: me() }, machine, { ...wish, restart: true })
    expect(faultOf(refused)).toBe("invalid")
  })
})
