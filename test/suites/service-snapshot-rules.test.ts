/** The rules that faces bring along when a snapshot is taken, and what may be changed of it later. */
import { describe, expect, test } from "vitest"
import type { CountRule, SnapshotWish } from "../../src/core/core.ts"
import type { Principal } from "../../src/domain/account.ts"
import type { Fault, Result } from "../../src/domain/fault.ts"
import type { MachineId, VolumeId } from "../../src/domain/ids.ts"
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
const atMost = (most: number, then: CountRule["then"]): CountRule => ({ most, then })
const refusing = (most: number) => atMost(most, "refuse")
const settle = async <T>(started: Parameters<typeof settled<T>>[2]) =>
  await settled(house.stage.service, ledger(), started)
const stop = () => house.stage.service.executor.close(0)

describe("a count rule", () => {
  const refuse = refusing(2)

  test("counts what is there or on its way, and neither what failed nor what reverts keep", async () => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    const source = ofVolume(id)
    const first = await snapshotOf(who, id)
    await done(house.stage, core().volumes.revert({ who }, id, first.id))
    const failed = await snapshotOf(who, id)
    await ledger().transaction((rooms) => rooms.snapshots.change(failed.id, { state: "failed" }))
    await stop()
    right(await take(who, { source, countRule: refuse }))
    const quota = { kind: "quota", what: "snapshots of one volume", limit: 2, used: 2 }
    expect(fault(await take(who, { source, countRule: refuse }))).toEqual(quota)
    right(await take(who, { source }))
    expect(fault(await take(who, { source, countRule: refuse }))).toMatchObject({ used: 3 })
  })

  test("lets exactly so many through, however many ask at once", async () => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    const source = ofVolume(id)
    const countRule = refusing(3)
    const four = [1, 2, 3, 4].map(() => take(who, { source, countRule }))
    const kinds = (await Promise.all(four)).map(faultOf)
    expect(kinds.toSorted()).toEqual(["none", "none", "none", "quota"])
  })
})

const setQuota = async (quota: object) =>
  right(await core().identity.setQuota({ who: house.stage.who }, "admin", quota))

test("a name that one of a machine's root volume has is taken among the machine's", async () => {
  const { who } = house.stage
  const { machine: id } = await runningMachine(house.stage)
  const { rootVolumeId } = right(await core().machines.get(who, id))
  await snapshotOf(who, rootVolumeId, "a")
  const wish = { source: ofMachine(id), nameRule: { unique: true } }
  expect(faultOf(await take(who, { ...wish, name: "a" }))).toBe("name-taken")
  await done(house.stage, take(who, { ...wish, name: "b" }))
})

describe("a source rule", () => {
  test("refuses a machine with extra volumes, by their names", async () => {
    const { who } = house.stage
    const { machine, extra } = await runningMachine(house.stage)
    const wish = { source: ofMachine(machine), sourceRule: { extras: "refused" } } as const
    expect(fault(await take(who, wish))).toMatchObject({
      kind: "in-use",
      what: "machine",
      id: machine,
      by: [{ kind: "volume", id: extra }],
      hint: expect.stringContaining("detach"),
    })
    await done(house.stage, core().machines.detach({ who }, machine, extra))
    right(await take(who, wish))
  })

  test("refuses a volume in another state than those it names", async () => {
    const { who } = house.stage
    const { extra } = await runningMachine(house.stage)
    const { id } = await volumeOf(who)
    const sourceRule = { states: ["available"] } as const
    right(await take(who, { source: ofVolume(id), sourceRule }))
    expect(fault(await take(who, { source: ofVolume(extra), sourceRule }))).toEqual({
      kind: "wrong-state",
      what: "volume",
      id: extra,
      is: "in-use",
      needs: ["available"],
    })
  })
})

test("rules are looked at in one order: source, name, extras, name taken, count, quota", async () => {
  const { who } = house.stage
  const { machine, extra } = await runningMachine(house.stage)
  await settle(await take(who, { name: "taken", source: ofMachine(machine) }))
  await setQuota({ snapshots: 1 })
  const wish = {
    nameRule: { pattern: /^[a-z]+$/, unique: true },
    sourceRule: { extras: "refused" },
    countRule: refusing(1),
  } as const
  const here = ofMachine(machine)
  const nowhere = ofMachine(extra as never)
  const kindOf = async (name: string, source = here, more: object = wish) =>
    faultOf(await take(who, { name, source, ...more }))
  expect(await kindOf("1", nowhere)).toBe("not-found")
  expect(await kindOf("1")).toBe("invalid")
  expect(await kindOf("taken")).toBe("in-use")
  await done(house.stage, core().machines.detach({ who }, machine, extra))
  expect(await kindOf("taken")).toBe("name-taken")
  expect(fault(await take(who, { name: "new", source: here, ...wish }))).toMatchObject({
    what: "snapshots of one machine",
  })
  const noCount = { ...wish, countRule: refusing(2) } as const
  expect(fault(await take(who, { name: "new", source: here, ...noCount }))).toMatchObject({
    what: "snapshots",
  })
})
