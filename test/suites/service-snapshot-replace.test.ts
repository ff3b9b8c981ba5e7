/** Where a source has all the snapshots that it may have: the oldest go once the new one is there. */
import { describe, expect, test, vi } from "vitest"
import type { SnapshotView, SnapshotWish, Started } from "../../src/core/core.ts"
import type { Principal } from "../../src/domain/account.ts"
import type { Fault, Result } from "../../src/domain/fault.ts"
import { type MachineId, newId, type VolumeId } from "../../src/domain/ids.ts"
import { done, runningMachine } from "../crash/stage.ts"
import { right, settled } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core, volumeOf, snapshotOf } = house
const ledger = () => house.stage.making.ledger

const fault = (result: Result<unknown>): Fault => {
  if (result.ok) throw new Error("it was not refused")
  return result.fault
}
const ofVolume = (id: VolumeId) => ({ kind: "volume", id }) as const
const ofMachine = (id: MachineId) => ({ kind: "machine", id }) as const
const take = (who: Principal, wish: Omit<SnapshotWish, "name"> & { name?: string }) =>
  core().snapshots.create({ who }, { name: "s", ...wish })
// biome-ignore lint/suspicious/noThenProperty: a word of the core; it is no function
const replacing = (most: number) => ({ most, then: "replace-oldest" }) as const
const settle = (started: Result<Started<SnapshotView>>) =>
  settled(house.stage.service, ledger(), started)
const stop = () => house.stage.service.executor.close(0)
const namesOf = async (who: Principal, filter: object = {}) =>
  right(await core().snapshots.list(who, { limit: 50, ...filter })).map(({ name }) => name)
const setQuota = async (quota: object) =>
  right(await core().identity.setQuota({ who: house.stage.who }, "admin", quota))

test("makes room by deleting the oldest that are ready, each by its own operation", async () => {
  const { who } = house.stage
  const { id } = await volumeOf(who)
  const source = ofVolume(id)
  const caller = { face: "native", address: "::1", key: null }
  const all = []
  for (const name of ["a", "b", "c"]) all.push(await snapshotOf(who, id, name))
  const taken = await done(
    house.stage,
    core().snapshots.create({ who, caller }, { name: "d", source, countRule: replacing(2) }),
  )
  expect(await namesOf(who)).toEqual(["c", "d"])
  const [a, b, c] = all
  expect(faultOf(await core().snapshots.get(who, a?.id as never))).toBe("not-found")
  for (const each of [a, b]) {
    const [removal] = await ledger().read.operations.find(
      { targetId: each?.id ?? "" },
      { limit: 1, order: "newest-first" },
    )
    expect(removal).toMatchObject({
      kind: "snapshot-delete",
      subjectId: id,
      userId: who.userId,
      caller,
    })
  }
  await house.stage.service.executor.idle()
  expect(right(await core().snapshots.get(who, taken.id)).parentId).toBe(c?.id)
  expect(await ledger().read.snapshots.count({})).toBe(2)
  const doctor = right(await core().house.doctor(who, { fix: false, rebuild: false }))
  expect(doctor.filter((each) => each.severity === "wrong")).toEqual([])
})

describe("until the new one is there", () => {
  test("the oldest stays, and for good where that fails", async () => {
    const { who, host } = house.stage
    const { machine } = await runningMachine(house.stage)
    const source = ofMachine(machine)
    await done(house.stage, take(who, { name: "old", source }))
    vi.spyOn(host, "switchDisks").mockRejectedValue(new Error("broken"))
    for (const how of [{}, { memory: false, quiesce: true }]) {
      const wish = { name: "new", source, countRule: replacing(1), ...how }
      const { resource } = right(await take(who, wish))
      expect(await namesOf(who, { state: "ready" })).toEqual(["old"])
      await house.stage.service.executor.idle()
      expect(right(await core().snapshots.get(who, resource.id)).state).toBe("failed")
      expect(await namesOf(who, { state: "ready" })).toEqual(["old"])
    }
  })

  test("the oldest may go by itself, and then no other goes", async () => {
    const { who, host } = house.stage
    const { machine } = await runningMachine(house.stage)
    const source = ofMachine(machine)
    const a = await done(house.stage, take(who, { name: "a", source }))
    await done(house.stage, take(who, { name: "b", source }))
    const [reached, gate] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const switchDisks = host.switchDisks.bind(host)
    vi.spyOn(host, "switchDisks").mockImplementation(async (...asked) => {
      reached.resolve()
      await gate.promise
      return await switchDisks(...asked)
    })
    const started = await take(who, { name: "c", source, countRule: replacing(2) })
    await reached.promise
    await done(house.stage, core().snapshots.remove({ who }, a.id))
    gate.resolve()
    await settle(started)
    await house.stage.service.executor.idle()
    expect(await namesOf(who)).toEqual(["b", "c"])
  })
})

test("one whose operation is stuck goes like any other, its bytes once that is mended", async () => {
  const { who } = house.stage
  const { id } = await volumeOf(who)
  const source = ofVolume(id)
  const a = await snapshotOf(who, id, "a")
  for (const name of ["b", "c"]) await snapshotOf(who, id, name)
  const [taking] = await ledger().read.operations.find({ targetId: a.id })
  if (taking === undefined) throw new Error("nobody took it")
  const stuck = { ...taking, id: newId<"operation">(), state: "stuck" } as const
  await ledger().transaction((rooms) => rooms.operations.enqueue(stuck, [a.id]))
  await done(house.stage, take(who, { name: "d", source, countRule: replacing(3) }))
  await house.stage.service.executor.idle()
  expect(await namesOf(who)).toEqual(["b", "c", "d"])
  const [removal] = await ledger().read.operations.find({ targetId: a.id, state: "queued" })
  expect(removal).toMatchObject({ kind: "snapshot-delete" })
})

test("several at once end with as many as there may be", async () => {
  const { who } = house.stage
  const { id } = await volumeOf(who)
  const source = ofVolume(id)
  for (const name of ["a", "b"]) await snapshotOf(who, id, name)
  const four = [1, 2, 3, 4].map((n) =>
    take(who, { name: String(n), source, countRule: replacing(2) }),
  )
  const all = await Promise.all(four)
  // Two take the places of the two that are ready; those on their way cannot give way.
  expect(all.map(faultOf).toSorted()).toEqual(["none", "none", "quota", "quota"])
  await house.stage.service.executor.idle()
  const names = all.flatMap((each) => (each.ok ? each.value.resource.name : []))
  expect(await namesOf(who)).toEqual(names)
})

describe("nothing goes", () => {
  test("for one that needs a guest, while the machine is off", async () => {
    const { who } = house.stage
    const { machine: id } = await runningMachine(house.stage)
    const source = ofMachine(id)
    await done(house.stage, take(who, { name: "kept", source }))
    await done(house.stage, core().machines.stop({ who }, id, { hard: true }))
    const sourceRule = { guest: "required" } as const
    const wish = { source, memory: true, sourceRule, countRule: replacing(1) }
    expect(faultOf(await take(who, wish))).toBe("wrong-state")
    expect(await namesOf(who)).toEqual(["kept"])
    await stop()
    right(await core().machines.start({ who }, id))
    // It will be running when its turn comes.
    expect(faultOf(await take(who, wish))).toBe("none")
  })

  test("for one that is refused all the same", async () => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    const source = ofVolume(id)
    const countRule = replacing(1)
    const nameRule = { unique: true }
    await snapshotOf(who, id, "a")
    expect(faultOf(await take(who, { name: "a", source, countRule, nameRule }))).toBe("name-taken")
    await setQuota({ physicalBytes: 1 })
    expect(fault(await take(who, { source, countRule }))).toMatchObject({ what: "bytes on disk" })
    const recorded = ["quota"] as const
    right(await take(who, { name: "b", source, countRule, recorded }))
    expect(await namesOf(who, { state: "ready" })).toEqual(["a"])
    await setQuota({ snapshots: 1 })
    await done(house.stage, take(who, { name: "c", source, countRule }))
    expect(await namesOf(who, { state: ["ready", "creating"] })).toEqual(["c"])
  })
})
