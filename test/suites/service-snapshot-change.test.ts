/** What is changed of a snapshot without work, and how a list of them is narrowed. */
import { describe, expect, test } from "vitest"
import type { Principal } from "../../src/domain/account.ts"
import type { VolumeId } from "../../src/domain/ids.ts"
import { done, runningMachine } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core, volumeOf, snapshotOf } = house
const ledger = () => house.stage.making.ledger

const ofVolume = (id: VolumeId) => ({ kind: "volume", id }) as const
const namesOf = async (who: Principal, filter: object = {}) =>
  right(await core().snapshots.list(who, { limit: 50, ...filter })).map(({ name }) => name)

describe("a change", () => {
  test("writes name and labels at once, and says so", async () => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    const snapshot = await snapshotOf(who, id)
    const labels = { description: "d", metadata: { a: "b" }, tags: { c: true, d: 1 } }
    const changed = await core().snapshots.change({ who }, snapshot.id, { name: "new", ...labels })
    expect(right(changed)).toMatchObject({ id: snapshot.id, name: "new", ...labels, current: true })
    const shown = right(await core().snapshots.get(who, snapshot.id))
    expect(shown).toEqual(right(changed))
    right(await core().snapshots.change({ who }, snapshot.id, { tags: {} }))
    expect(right(await core().snapshots.get(who, snapshot.id))).toEqual({ ...shown, tags: {} })
    const events = await ledger().read.events.after(0, null, 100)
    const ofThis = events.filter((each) => each.resourceId === snapshot.id)
    expect(ofThis.filter((each) => each.type === "snapshot.changed")).toHaveLength(2)
  })

  test("minds names that are taken among its source's snapshots, where that is the rule", async () => {
    const { who } = house.stage
    const [one, other] = [await volumeOf(who), await volumeOf(who)]
    const [a] = [await snapshotOf(who, one.id, "a"), await snapshotOf(who, one.id, "b")]
    await snapshotOf(who, other.id, "c")
    const nameRule = { unique: true }
    const rename = (name: string, rule: object = { nameRule }) =>
      core().snapshots.change({ who }, a.id, { name, ...rule })
    expect(faultOf(await rename("b"))).toBe("name-taken")
    expect(faultOf(await rename("b", { nameRule: { pattern: /^x/ } }))).toBe("invalid")
    right(await rename("a"))
    right(await rename("c"))
    right(await rename("b", {}))
  })

  test("minds those of a machine's root volume too, as taking one does", async () => {
    const { who } = house.stage
    const { machine } = await runningMachine(house.stage)
    const { rootVolumeId } = right(await core().machines.get(who, machine))
    const source = { kind: "machine", id: machine } as const
    const a = await done(house.stage, core().snapshots.create({ who }, { name: "a", source }))
    const root = await snapshotOf(who, rootVolumeId, "b")
    const nameRule = { unique: true }
    const rename = (name: string) => core().snapshots.change({ who }, a.id, { name, nameRule })
    expect(faultOf(await rename("b"))).toBe("name-taken")
    await done(house.stage, core().snapshots.remove({ who }, root.id))
    right(await rename("b"))
  })

  test("minds no names of what a revert left, as taking one does not", async () => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    const a = await snapshotOf(who, id, "a")
    await done(house.stage, core().volumes.revert({ who }, id, a.id))
    const [recovery] = right(await core().snapshots.list(who, { limit: 1, recovery: true }))
    const wish = { name: recovery?.name ?? "", nameRule: { unique: true } }
    right(await core().snapshots.change({ who }, a.id, wish))
  })

  test("is refused for a reader, for another account, and of what is deleted", async () => {
    const [alice, bob] = [await house.member("alice"), await house.member("bob")]
    const { id } = await volumeOf(alice)
    const snapshot = await snapshotOf(alice, id)
    const asReader = { ...alice, role: "reader" } as const
    const change = { name: "x" }
    const kind = async (who: Principal) =>
      faultOf(await core().snapshots.change({ who }, snapshot.id, change))
    expect(await kind(asReader)).toBe("forbidden")
    expect(await kind(bob)).toBe("not-found")
    await house.stage.service.executor.close(0)
    right(await core().snapshots.remove({ who: alice }, snapshot.id))
    expect(await kind(alice)).toBe("not-found")
  })

  test.each([
    [
      "too many entries",
      { metadata: Object.fromEntries([...Array(129).keys()].map((n) => [n, ""])) },
    ],
    ["a key that is too long", { tags: { ["k".repeat(256)]: true } }],
    ["a value that is too long", { metadata: { a: "v".repeat(16 * 1024 + 1) } }],
    ["too much in all", { description: "d".repeat(16 * 1024) }],
  ])("with %s is refused, here and when it is taken", async (_, labels) => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    const snapshot = await snapshotOf(who, id)
    expect(faultOf(await core().snapshots.change({ who }, snapshot.id, labels))).toBe("invalid")
    expect(
      faultOf(
        await core().snapshots.create({ who }, { name: "s", source: ofVolume(id), ...labels }),
      ),
    ).toBe("invalid")
    expect(right(await core().snapshots.get(who, snapshot.id)).description).toBe("")
  })
})

test("a list is narrowed by state, kind, source and name, and passes over as many as told", async () => {
  const { who } = house.stage
  const [one, other] = [await volumeOf(who), await volumeOf(who)]
  const a = await snapshotOf(who, one.id, "a")
  await snapshotOf(who, one.id, "b")
  await snapshotOf(who, other.id, "a")
  await done(house.stage, core().volumes.revert({ who }, one.id, a.id))
  await ledger().transaction((rooms) => rooms.snapshots.change(a.id, { state: "failed" }))
  const recovery = "before-revert-to-a"
  expect(await namesOf(who, { recovery: true })).toEqual([recovery])
  expect(await namesOf(who, { recovery: false })).toEqual(["a", "b", "a"])
  expect(await namesOf(who, { state: "failed" })).toEqual(["a"])
  expect(await namesOf(who, { state: ["ready", "creating"] })).toEqual(["b", "a", recovery])
  expect(await namesOf(who, { state: "deleting" })).toEqual([])
  expect(await namesOf(who, { name: "a", source: ofVolume(other.id) })).toEqual(["a"])
  expect(await namesOf(who, { offset: 2, limit: 1, recovery: false })).toEqual(["a"])
})
