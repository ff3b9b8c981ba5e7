/** Finding, naming and changing machines and volumes, and what stays on record of them. On fakes. */
import { beforeEach, describe, expect, test } from "vitest"
import { standingState } from "../../src/domain/claim.ts"
import { noLabels } from "../../src/domain/labels.ts"
import { done, MiB, runningMachine } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core, member, volumeOf } = house
const me = () => house.stage.who
const ledger = () => house.stage.making.ledger

describe("a machine", () => {
  let machine: Awaited<ReturnType<typeof runningMachine>>["machine"]
  let extra: Awaited<ReturnType<typeof runningMachine>>["extra"]
  beforeEach(async () => {
    ;({ machine, extra } = await runningMachine(house.stage))
  })

  test("is changed at once; an event and its history say so", async () => {
    const before = await core().house.newestEvent()
    const caller = { face: "native", address: "192.0.2.1", key: null }
    const labels = { description: "web", metadata: { role: "web" }, tags: { n: 1, on: true } }
    const change = { name: "new", ...labels, deletionProtected: true }
    const changed = right(await core().machines.change({ who: me(), caller }, machine, change))
    expect(changed).toMatchObject(change)
    const shown = right(await core().machines.get(me(), machine))
    expect(shown).toMatchObject({ ...change, state: "running", work: null })
    expect(right(await core().house.events(me(), before, 10, 0))).toMatchObject([
      { type: "machine.changed", resourceKind: "machine", resourceId: machine },
    ])
    const page = { limit: 1, order: "newest-first", subjectId: machine } as const
    expect(right(await core().operations.list(me(), page))).toMatchObject([
      { kind: "machine-change", state: "done", progress: 100, targetId: machine, caller },
    ])
  })

  test("keeps what a change does not name, and a change of nothing is none", async () => {
    const labels = { metadata: { a: "1" }, tags: { b: 2 } }
    right(await core().machines.change({ who: me() }, machine, labels))
    right(await core().machines.change({ who: me() }, machine, { tags: {} }))
    const history = await ledger().read.operations.count({ kind: "machine-change" })
    right(await core().machines.change({ who: me() }, machine, {}))
    expect(right(await core().machines.get(me(), machine))).toMatchObject({
      name: "m",
      description: "",
      metadata: { a: "1" },
      tags: {},
    })
    expect(await ledger().read.operations.count({ kind: "machine-change" })).toBe(history)
  })

  test("is changed once under one key", async () => {
    const asking = { who: me(), repeat: { key: "k", requestHash: "h" } }
    right(await core().machines.change(asking, machine, { name: "one" }))
    right(await core().machines.change({ who: me() }, machine, { name: "two" }))
    expect(right(await core().machines.change(asking, machine, { name: "one" })).name).toBe("one")
    expect(right(await core().machines.get(me(), machine)).name).toBe("two")
  })

  test("is changed neither by a reader nor by a stranger", async () => {
    const reader = { ...me(), role: "reader" as const }
    const stranger = await member("else")
    const change = { name: "theirs" }
    expect(faultOf(await core().machines.change({ who: reader }, machine, change))).toBe(
      "forbidden",
    )
    expect(faultOf(await core().machines.change({ who: stranger }, machine, change))).toBe(
      "not-found",
    )
    expect(faultOf(await core().volumes.change({ who: reader }, extra, change))).toBe("forbidden")
    expect(faultOf(await core().volumes.change({ who: stranger }, extra, change))).toBe("not-found")
    expect(right(await core().machines.get(me(), machine)).name).toBe("m")
  })

  test("keeps its own name under a rule that names are unique, and takes no other's", async () => {
    const { imageId } = right(await core().machines.get(me(), machine))
    await done(house.stage, core().machines.create({ who: me() }, { name: "other", imageId }))
    const nameRule = { unique: true }
    right(await core().machines.change({ who: me() }, machine, { name: "m", nameRule }))
    const taken = await core().machines.change({ who: me() }, machine, { name: "other", nameRule })
    expect(faultOf(taken)).toBe("name-taken")
    const rule = { pattern: /^[a-z]+$/ }
    const odd = await core().machines.change({ who: me() }, machine, { name: "N", nameRule: rule })
    expect(faultOf(odd)).toBe("invalid")
  })

  test("is found by its state, kind, image and name, and counted the same", async () => {
    const { imageId } = right(await core().machines.get(me(), machine))
    const second = await done(
      house.stage,
      core().machines.create({ who: me() }, { name: "second", imageId }),
    )
    await done(house.stage, core().machines.stop({ who: me() }, second.id, { hard: true }))
    const found = async (listing: object) => {
      const ids = right(await core().machines.list(me(), { limit: 10, ...listing })).map(
        ({ name }) => name,
      )
      const count = right(await core().machines.count(me(), { limit: 1, ...listing }))
      return [count, ...ids]
    }
    expect(await found({})).toEqual([2, "m", "second"])
    expect(await found({ state: "running" })).toEqual([1, "m"])
    expect(await found({ state: ["running", "stopped"] })).toEqual([2, "m", "second"])
    expect(await found({ kind: "container" })).toEqual([0])
    expect(await found({ imageId })).toEqual([2, "m", "second"])
    expect(await found({ name: "second" })).toEqual([1, "second"])
    expect(await found({ offset: 1 })).toEqual([2, "second"])
    const [first] = right(await core().machines.list(me(), { limit: 1 }))
    expect(first?.disks.map(({ slot }) => slot)).toEqual([0, 1])
    expect(right(await core().machines.count(await member("else"), { limit: 1 }))).toBe(0)
  })

  test("that is protected is not deleted before somebody takes that back", async () => {
    right(await core().machines.change({ who: me() }, machine, { deletionProtected: true }))
    expect(await core().machines.remove({ who: me() }, machine)).toMatchObject({
      fault: { kind: "wrong-state", is: "protected against deletion", needs: ["unprotected"] },
    })
    right(await core().machines.change({ who: me() }, machine, { deletionProtected: false }))
    await done(house.stage, core().machines.remove({ who: me() }, machine))
    expect(faultOf(await core().machines.get(me(), machine))).toBe("not-found")
  })

  test("that was deleted is shown as it was, to its account alone", async () => {
    const was = right(await core().machines.get(me(), machine))
    expect(faultOf(await core().machines.deleted(me(), machine))).toBe("not-found")
    await done(house.stage, core().machines.remove({ who: me() }, machine))
    const shown = right(await core().machines.deleted(me(), machine))
    expect(shown).toMatchObject({ id: machine, name: "m", state: "running", work: null })
    expect(shown.disks.map(({ id }) => id)).toEqual(was.disks.map(({ id }) => id))
    expect(faultOf(await core().machines.deleted(await member("else"), machine))).toBe("not-found")
  })
})

describe("a volume", () => {
  test("is found by its role, machine, state and type, and counted the same", async () => {
    const { machine } = await runningMachine(house.stage)
    const wish = { name: "typed", sizeBytes: MiB, type: "SATA" }
    await done(house.stage, core().volumes.create({ who: me() }, wish))
    const found = async (listing: object) => {
      const all = right(await core().volumes.list(me(), { limit: 10, ...listing }))
      return [
        right(await core().volumes.count(me(), { limit: 1, ...listing })),
        ...all.map(({ name }) => name),
      ]
    }
    expect(await found({})).toEqual([3, "extra", "m-root", "typed"])
    expect(await found({ machineId: machine })).toEqual([2, "extra", "m-root"])
    expect(await found({ machineId: null })).toEqual([1, "typed"])
    expect(await found({ role: "root" })).toEqual([1, "m-root"])
    expect(await found({ state: "available" })).toEqual([1, "typed"])
    expect(await found({ type: "SATA" })).toEqual([1, "typed"])
    expect(await found({ offset: 2 })).toEqual([3, "typed"])
  })

  test("is changed at once, and its history says so", async () => {
    const volume = await volumeOf(me())
    const change = { name: "new", description: "d", metadata: { a: "b" }, tags: { c: 1 } }
    expect(right(await core().volumes.change({ who: me() }, volume.id, change))).toMatchObject({
      ...change,
      sizeBytes: MiB,
    })
    expect(right(await core().volumes.get(me(), volume.id))).toMatchObject(change)
    const page = { limit: 1, order: "newest-first", targetId: volume.id } as const
    const [last] = right(await core().operations.list(me(), page))
    expect(last).toMatchObject({ kind: "volume-change", state: "done" })
  })
})

test("a state is claimed by the administrator alone, and falls with the one that it was put over", async () => {
  const alice = await house.member("alice")
  const volume = await house.volumeOf(alice)
  const { id: snapshotId } = await house.snapshotOf(alice, volume.id)
  const claim = { is: "odd" }
  const { volumes, snapshots } = core()
  expect(faultOf(await volumes.change({ who: alice }, volume.id, { claim }))).toBe("forbidden")
  expect(faultOf(await snapshots.change({ who: alice }, snapshotId, { claim }))).toBe("forbidden")
  const admin = { who: house.stage.who }
  const held = right(await volumes.change(admin, volume.id, { claim }))
  expect(held.claim).toEqual({ over: "available", is: "odd", progress: null })
  expect([standingState(held), held.state]).toEqual(["odd", "available"])
  expect(standingState({ ...held, state: "in-use" })).toBe("in-use")
  await house.stage.making.ledger.transaction(async (rooms) => {
    await rooms.volumes.change(volume.id, { state: "in-use" })
    await rooms.volumes.change(volume.id, { state: "available" })
  })
  expect(standingState(right(await volumes.get(alice, volume.id)))).toBe("available")
  right(await volumes.change(admin, volume.id, { claim }))
  const truth = { claim: { is: "available" } }
  expect(right(await volumes.change(admin, volume.id, truth)).claim).toBe(null)
  const kept = right(
    await snapshots.change(admin, snapshotId, { claim: { is: "ready", progress: "5%" } }),
  )
  expect(kept.claim).toEqual({ over: "ready", is: "ready", progress: "5%" })
})

describe("what people write on their things", () => {
  const many = (count: number, value: string) =>
    Object.fromEntries(Array.from({ length: count }, (_, n) => [`k${n}`, value]))

  test.each([
    ["too many entries", { metadata: many(129, "") }],
    ["too many tags", { tags: many(129, "") }],
    ["a key too long", { metadata: { ["k".repeat(256)]: "" } }],
    ["a key of nothing", { tags: { "": "" } }],
    ["a value too long", { metadata: { k: "é".repeat(8193) } }],
    ["a tag too long", { tags: { k: "v".repeat(1025) } }],
    ["a tag that JSON cannot say", { tags: { k: Number.POSITIVE_INFINITY } }],
    ["too much in all", { metadata: many(2, "v".repeat(8192)) }],
    ["a description too long", { description: "d".repeat(16_384) }],
    ["half a character", { description: "\ud800" }],
  ])("%s is refused when it is made and when it is changed", async (_what, labels) => {
    const volume = await volumeOf(me())
    const asking = { who: me() }
    expect(faultOf(await core().volumes.change(asking, volume.id, labels))).toBe("invalid")
    const wish = { name: "w", sizeBytes: MiB, ...labels }
    expect(faultOf(await core().volumes.create(asking, wish))).toBe("invalid")
    expect(right(await core().volumes.get(me(), volume.id))).toMatchObject(noLabels)
    expect(await ledger().read.volumes.count({})).toBe(1)
  })

  test("counts with what is there already", async () => {
    const volume = await volumeOf(me())
    const half = many(2, "v".repeat(4096))
    const asking = { who: me() }
    right(await core().volumes.change(asking, volume.id, { metadata: half }))
    const more = { description: "d".repeat(8200) }
    expect(faultOf(await core().volumes.change(asking, volume.id, more))).toBe("invalid")
    right(await core().volumes.change(asking, volume.id, { ...more, metadata: {} }))
  })
})

test("an operation that was dismissed is out of sight, once and for all, and still there", async () => {
  const volume = await volumeOf(me())
  const listing = { limit: 10, targetId: volume.id, undismissedOnly: true }
  const [made] = right(await core().operations.list(me(), listing))
  const id = made?.id as never
  expect(faultOf(await core().operations.dismiss({ who: await member("else") }, id))).toBe(
    "not-found",
  )
  const reader = { ...me(), role: "reader" as const }
  expect(faultOf(await core().operations.dismiss({ who: reader }, id))).toBe("forbidden")
  right(await core().operations.dismiss({ who: me() }, id))
  right(await core().operations.dismiss({ who: me() }, id))
  expect(right(await core().operations.list(me(), listing))).toEqual([])
  expect(right(await core().operations.get(me(), id))).toMatchObject({ dismissed: true })
  const page = { limit: 10, subjectId: volume.id }
  expect(right(await core().operations.list(me(), page))).toHaveLength(1)
  expect(right(await core().operations.list(me(), { ...page, offset: 1 }))).toEqual([])
})
