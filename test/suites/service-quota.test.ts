/** What an account, a machine or a volume may use, and what counts. On fakes, so quick. */
import { describe, expect, test } from "vitest"
import type { Principal, Quota } from "../../src/domain/account.ts"
import type { FaultOf } from "../../src/domain/fault.ts"
import { done, filledVolume, MiB, runningMachine } from "../crash/stage.ts"
import { bytesOf, ending, right, settled, upload } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const service = { account: { volumes: 4 } as Quota, source: { snapshots: 2 } as Quota }
const house = houseForEachTest({ capacity: { quota: service } })
const { core, volumeOf, snapshotOf } = house

const setQuota = async (login: string, quota: Quota | null) =>
  right(await core().identity.setQuota({ who: house.stage.who }, login, quota))
const used = async (who: Principal) => right(await core().identity.usage(who)).used
const makeVolume = (who: Principal, sizeBytes = MiB) =>
  core().volumes.create({ who }, { name: "v", sizeBytes })
const quotaFault = (result: { ok: boolean; fault?: unknown }) => result.fault as FaultOf<"quota">
const sourceOf = (id: string) => ({ kind: "volume", id: id as never }) as const

describe("an account", () => {
  test("may use what the service gives it, or what it was given itself", async () => {
    const alice = await house.member("alice")
    for (let n = 0; n < 4; n++) await volumeOf(alice, `v${n}`)
    const fault = { kind: "quota", what: "volumes", limit: 4, used: 4 }
    expect(quotaFault(await makeVolume(alice))).toEqual(fault)
    await setQuota("alice", { volumes: 5 })
    right(await makeVolume(alice))
    expect(quotaFault(await makeVolume(alice))).toEqual({ ...fault, limit: 5, used: 5 })
    await setQuota("alice", {})
    right(await makeVolume(alice))
    await setQuota("alice", null)
    expect(quotaFault(await makeVolume(alice))).toEqual({ ...fault, used: 6 })
    expect(right(await core().identity.usage(alice)).quota).toEqual(service.account)
  })

  test("is not charged for what failed, went, or belongs to others", async () => {
    const [alice, bob] = [await house.member("alice"), await house.member("bob")]
    await setQuota("alice", { volumes: 1, snapshots: 1 })
    await volumeOf(bob)
    const { id } = await volumeOf(alice)
    await snapshotOf(alice, id)
    expect(await used(alice)).toMatchObject({ volumes: 1, snapshots: 1, logicalBytes: MiB })
    await house.stage.making.ledger.transaction(async (rooms) => {
      for (const each of await rooms.snapshots.find({})) {
        await rooms.snapshots.change(each.id, { state: "failed" })
      }
    })
    await snapshotOf(alice, id, "again")
    const how = { cascade: true }
    await done(house.stage, core().volumes.remove({ who: alice }, id, how))
    await volumeOf(alice)
  })

  test("is held to the sizes of its volumes, root volumes among them", async () => {
    const { who } = house.stage
    await setQuota("admin", { logicalBytes: 3 * MiB })
    await runningMachine(house.stage)
    expect((await used(who)).logicalBytes).toBe(2 * MiB)
    const fault = { kind: "quota", what: "bytes in volumes", limit: 3 * MiB, used: 2 * MiB }
    const requested = MiB + 512
    expect(quotaFault(await makeVolume(who, requested))).toEqual({ ...fault, requested })
    right(await makeVolume(who, MiB))
    const [image] = right(await core().images.list(who, { limit: 1 }))
    const wish = { name: "m2", imageId: image?.id as never }
    expect(quotaFault(await core().machines.create({ who }, wish)).what).toBe("bytes in volumes")
    await setQuota("admin", { machines: 1 })
    expect(quotaFault(await core().machines.create({ who }, wish)).what).toBe("machines")
  })

  test("counts what was promised from the moment it was promised", async () => {
    const alice = await house.member("alice")
    const wishes = await Promise.all(Array.from({ length: 8 }, () => makeVolume(alice)))
    expect(wishes.filter((each) => each.ok)).toHaveLength(4)
    expect(wishes.filter((each) => !each.ok).map(faultOf)).toEqual(Array(4).fill("quota"))
  })

  test("is never held back by recovery snapshots", async () => {
    const { who } = house.stage
    await setQuota("admin", { snapshots: 1 })
    const volume = await volumeOf(who)
    const { id } = await snapshotOf(who, volume.id)
    await done(house.stage, core().volumes.revert({ who }, volume.id, id))
    expect((await used(who)).snapshots).toBe(1)
    expect(right(await core().snapshots.list(who, { limit: 9 }))).toHaveLength(2)
  })
})

describe("bytes on disk", () => {
  test("are those of volumes, images and kept memory, and what work under way may need", async () => {
    const { who } = house.stage
    const { ledger } = house.stage.making
    const { volume } = await filledVolume(house.stage, "x")
    const source = upload(bytesOf("image", 2 * MiB))
    right(await core().images.importFrom({ who }, { name: "i", format: "raw", source }))
    const snapshot = await snapshotOf(who, volume)
    await ledger.transaction((rooms) => rooms.snapshots.change(snapshot.id, { memoryBytes: MiB }))
    const own = right(await core().volumes.get(who, volume)).physicalBytes ?? 0
    expect(own).toBeGreaterThan(0)
    const all = (await used(who)).physicalBytes
    // A volume and an image that hold one short text each, and a mebibyte of memory.
    expect(all).toBe(own + own + MiB)
    await house.stage.service.executor.close(0)
    right(await makeVolume(who))
    expect((await used(who)).physicalBytes).toBe(all + MiB)
  })

  test("an upload that would not fit is refused before its first byte", async () => {
    const { who } = house.stage
    const { volume } = await filledVolume(house.stage, "old")
    const { physicalBytes } = await used(who)
    await setQuota("admin", { physicalBytes: physicalBytes + MiB })
    const tooMuch = { ...upload(bytesOf("new", MiB)), lengthBytes: MiB + 1 }
    const wish = { name: "i", format: "raw", source: { ...tooMuch, diskBytes: 2 * MiB } } as const
    expect(quotaFault(await core().images.importFrom({ who }, wish)).what).toBe("bytes on disk")
    right(await core().volumes.importFrom({ who }, volume, upload(bytesOf("new", MiB))))
    // What it had set aside counts until somebody has looked at what it really took.
    const again = await core().volumes.importFrom({ who }, volume, upload(bytesOf("more", MiB)))
    expect(faultOf(again)).toBe("quota")
  })
})

describe("one machine or volume", () => {
  test("has so many snapshots, whoever its account is and whatever that may", async () => {
    const { who } = house.stage
    await setQuota("admin", {})
    const [one, two] = [await volumeOf(who, "one"), await volumeOf(who, "two")]
    await snapshotOf(who, one.id, "a")
    await snapshotOf(who, one.id, "b")
    const wish = { name: "c", source: sourceOf(one.id) }
    const fault = { kind: "quota", what: "snapshots of one volume", limit: 2, used: 2 }
    expect(quotaFault(await core().snapshots.create({ who }, wish))).toEqual(fault)
    await snapshotOf(who, two.id, "a")
  })
})

describe("one machine", () => {
  const tight = houseForEachTest({
    capacity: { quota: { account: {}, source: { logicalBytes: 3 * MiB } } },
  })

  test("has disks of so much together, however it came by them", async () => {
    const { who } = tight.stage
    const { machine } = await runningMachine(tight.stage)
    const { id } = await tight.volumeOf(who)
    const attach = (volume: typeof id) => tight.core().machines.attach({ who }, machine, volume)
    await settled(tight.stage.service, tight.stage.making.ledger, await attach(id))
    const more = await tight.volumeOf(who, "more")
    const fault = { what: "bytes in one machine", limit: 3 * MiB, used: 3 * MiB }
    expect(quotaFault(await attach(more.id))).toMatchObject(fault)
    const large = { name: "l", sizeBytes: 4 * MiB }
    const refused = await tight.core().volumes.create({ who }, large)
    expect(quotaFault(refused).what).toBe("bytes in one volume")
  })
})

test("a quota is the administrator's to give", async () => {
  const alice = await house.member("alice")
  const give = (who: Principal, ref: string, quota: Quota) =>
    core().identity.setQuota({ who }, ref, quota)
  expect(faultOf(await give(alice, "alice", { volumes: 99 }))).toBe("forbidden")
  expect(faultOf(await give(house.stage.who, "nobody", {}))).toBe("not-found")
  expect(faultOf(await give(house.stage.who, "alice", { volumes: -1 }))).toBe("invalid")
  expect(right(await core().identity.usage(alice)).quota).toEqual(service.account)
})

test("what is reserved is given back at the end, however it ends", async () => {
  const { who } = house.stage
  const { ledger } = house.stage.making
  const { volume } = await filledVolume(house.stage, "old")
  const cutOff = { ...upload(bytesOf("new", MiB / 2)), lengthBytes: MiB }
  expect(faultOf(await core().volumes.importFrom({ who }, volume, cutOff))).toBe("interrupted")
  await ending(house.stage.service, ledger, await makeVolume(who))
  expect(await ledger.read.operations.sum("reservedBytes", {})).toBe(0)
})
