/** Points on their own: listed, looked at, and removed one by one. On fakes, so quick. */
import { describe, expect, test } from "vitest"
import type { PointListing } from "../../src/core/core.ts"
import type { Principal } from "../../src/domain/account.ts"
import { newId, type SnapshotId } from "../../src/domain/ids.ts"
import { audit } from "../crash/audit.ts"
import { changedMachine, contentOf, done, snapshotContent } from "../crash/stage.ts"
import { right, settled } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core, volumeOf, snapshotOf } = house
const ledger = () => house.stage.making.ledger

const listed = async (who: Principal, listing: Partial<PointListing> = {}) =>
  right(await core().snapshots.points(who, { limit: 50, ...listing })).map(({ point }) => point.id)
const counted = async (who: Principal, listing: Partial<PointListing> = {}) =>
  right(await core().snapshots.countPoints(who, { limit: 50, ...listing }))
const pointsOf = async (who: Principal, id: SnapshotId) =>
  right(await core().snapshots.get(who, id)).points
const remove = (who: Principal, id: string) => core().snapshots.removePoint({ who }, id as never)

describe("a list of points", () => {
  test("has a row for each volume of each snapshot, newest first, and none of reverts", async () => {
    const { who } = house.stage
    const { machine, extra, snapshot } = await changedMachine(house.stage)
    const { id } = await volumeOf(who)
    const other = await snapshotOf(who, id, "other")
    await done(house.stage, core().volumes.revert({ who }, id, other.id))
    const [root, data] = await pointsOf(who, snapshot)
    const [alone] = await pointsOf(who, other.id)
    expect(await listed(who)).toEqual([alone?.id, data?.id, root?.id])
    expect(await counted(who)).toBe(3)
    const views = right(await core().snapshots.points(who, { limit: 1, volumeId: extra }))
    expect(views).toEqual([{ point: data, snapshot: expect.anything(), progress: 100 }])
    expect(views[0]?.snapshot).toMatchObject({ id: snapshot, sourceId: machine, state: "ready" })
    const view = right(await core().snapshots.point(who, data?.id as never))
    expect(view).toEqual(views[0])
  })

  test("is paged by the points' ids or by number, and narrowed by volume, state and name", async () => {
    const { who } = house.stage
    const [one, other] = [await volumeOf(who), await volumeOf(who)]
    const taken: { id: SnapshotId }[] = []
    for (const [volume, name] of [
      [one.id, "a"],
      [other.id, "a"],
      [one.id, "b"],
      [one.id, "c"],
    ] as const) {
      taken.push(await snapshotOf(who, volume, name))
    }
    const [a, a2, b, c] = await Promise.all(
      taken.map(async ({ id }) => (await pointsOf(who, id))[0]?.id ?? ""),
    )
    expect(await listed(who, { limit: 2 })).toEqual([c, b])
    expect(await listed(who, { limit: 2, after: b ?? "" })).toEqual([a2, a])
    expect(await listed(who, { limit: 2, offset: 1 })).toEqual([b, a2])
    expect(await listed(who, { order: "oldest-first", limit: 2, after: a ?? "" })).toEqual([a2, b])
    expect(await listed(who, { volumeId: other.id })).toEqual([a2])
    expect(await listed(who, { name: "a" })).toEqual([a2, a])
    expect(await counted(who, { name: "a", volumeId: one.id })).toBe(1)
    const snapshotId = [taken[0], taken[3], taken[3]].map((each) => each?.id as SnapshotId)
    expect(await listed(who, { snapshotId })).toEqual([c, a])
    expect(await listed(who, { snapshotId: [] })).toEqual([])
    await ledger().transaction((rooms) =>
      rooms.snapshots.change(taken[2]?.id ?? "", { state: "failed" }),
    )
    expect(await listed(who, { state: "failed" })).toEqual([b])
    expect(await counted(who, { state: ["ready", "creating"] })).toBe(3)
    expect(await counted(who, { state: "deleting" })).toBe(0)
  })

  test("says how far the taking has come", async () => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    await house.stage.service.executor.close(0)
    const source = { kind: "volume", id } as const
    for (const name of ["a", "b"]) right(await core().snapshots.create({ who }, { name, source }))
    const [b, a] = right(await core().snapshots.points(who, { limit: 9 }))
    expect([a?.progress, b?.progress]).toEqual([0, 0])
    const [first] = await ledger().read.operations.find({ targetId: a?.snapshot.id ?? "" })
    await ledger().transaction((rooms) =>
      rooms.operations.change(first?.id ?? "", { progress: 40 }),
    )
    const views = right(await core().snapshots.points(who, { limit: 9 }))
    expect(views.map(({ progress }) => progress)).toEqual([0, 40])
    expect(right(await core().snapshots.point(who, a?.point.id as never)).progress).toBe(40)
  })

  test("is the account's own, or all for the administrator", async () => {
    const [alice, bob] = [await house.member("alice"), await house.member("bob")]
    const { id } = await volumeOf(alice)
    const [point] = await pointsOf(alice, (await snapshotOf(alice, id)).id)
    const own = point?.id as never
    expect(await listed(alice)).toEqual([own])
    expect(await listed(bob)).toEqual([])
    expect(await listed(bob, { volumeId: id })).toEqual([])
    expect(await counted(bob)).toBe(0)
    expect(await listed(house.stage.who)).toEqual([])
    expect(await listed(house.stage.who, { allAccounts: true })).toEqual([own])
    const all = await core().snapshots.points(bob, { limit: 1, allAccounts: true })
    expect(faultOf(all)).toBe("forbidden")
    const unknown = await core().snapshots.point(bob, newId<"point">())
    expect(faultOf(unknown)).toBe("not-found")
    for (const asked of [await core().snapshots.point(bob, own), await remove(bob, own)]) {
      expect(asked).toEqual({ ok: false, fault: { kind: "not-found", what: "point", id: own } })
    }
    expect(faultOf(await remove({ ...alice, role: "reader" }, own))).toBe("forbidden")
  })
})

describe("removing a point", () => {
  test("of several leaves the snapshot ready for the others, the last takes it away", async () => {
    const { who } = house.stage
    const { machine, extra, snapshot } = await changedMachine(house.stage)
    const [root, data] = await pointsOf(who, snapshot)
    const removed = right(await remove(who, root?.id ?? ""))
    expect(removed.resource).toMatchObject({ point: root, snapshot: { state: "deleting" } })
    expect(removed.operation).toMatchObject({ kind: "snapshot-delete", subjectId: machine })
    expect(await listed(who)).toEqual([data?.id])
    expect(faultOf(await core().snapshots.point(who, root?.id as never))).toBe("not-found")
    expect(faultOf(await remove(who, root?.id ?? ""))).toBe("not-found")
    await settled(house.stage.service, ledger(), { ok: true, value: removed })
    expect(right(await core().snapshots.get(who, snapshot))).toMatchObject({
      state: "ready",
      points: [data],
    })
    expect(await snapshotContent(house.stage, snapshot, extra)).toBe("one")
    await audit(house.stage)
    await done(house.stage, remove(who, data?.id ?? ""))
    expect(faultOf(await core().snapshots.get(who, snapshot))).toBe("not-found")
    expect(await ledger().read.snapshots.count({})).toBe(0)
    await audit(house.stage)
  })

  test("of all at once takes the snapshot away, and of one being taken leaves the other", async () => {
    const { who } = house.stage
    const { machine, snapshot } = await changedMachine(house.stage)
    const all = await pointsOf(who, snapshot)
    const both = await Promise.all(all.map(({ id }) => remove(who, id)))
    for (const each of both) await settled(house.stage.service, ledger(), each)
    expect(await ledger().read.snapshots.count({})).toBe(0)
    const source = { kind: "machine", id: machine } as const
    const started = await core().snapshots.create({ who }, { name: "s", source })
    const [first, second] = right(started).resource.points
    const going = await remove(who, first?.id ?? "")
    const { id } = await settled(house.stage.service, ledger(), started)
    await settled(house.stage.service, ledger(), going)
    expect(right(await core().snapshots.get(who, id))).toMatchObject({
      state: "ready",
      points: [second],
    })
    await audit(house.stage)
  })

  test("keeps what was promised on it before", async () => {
    const { who } = house.stage
    const { extra, snapshot } = await changedMachine(house.stage)
    const data = (await pointsOf(who, snapshot)).find((point) => point.volumeId === extra)
    const wish = { name: "clone", snapshotId: snapshot, volumeId: extra }
    const clone = await core().volumes.create({ who }, wish)
    const removed = await remove(who, data?.id ?? "")
    const { id } = await settled(house.stage.service, ledger(), clone)
    await settled(house.stage.service, ledger(), removed)
    expect(await contentOf(house.stage, id)).toBe("one")
    expect(faultOf(await core().volumes.create({ who }, wish))).toBe("not-found")
  })

  test("of a recovery snapshot is not for those who list points", async () => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    const snapshot = await snapshotOf(who, id)
    await done(house.stage, core().volumes.revert({ who }, id, snapshot.id))
    const [recovery] = right(await core().snapshots.list(who, { limit: 1, recovery: true }))
    const kept = recovery?.points[0]?.id ?? ""
    expect(faultOf(await remove(who, kept))).toBe("not-found")
    expect(faultOf(await core().snapshots.point(who, kept as never))).toBe("not-found")
    const wish = { name: "copy", pointId: kept as never }
    expect(faultOf(await core().volumes.create({ who }, wish))).toBe("not-found")
  })
})

describe("what a machine can go back to", () => {
  const without = async (role: "root" | "extra", snapshot: SnapshotId) => {
    const { who } = house.stage
    const point = (await pointsOf(who, snapshot)).find((each) => each.role === role)
    await done(house.stage, remove(who, point?.id ?? ""))
    return point
  }
  const inGuest = (machine: never, slot: number) =>
    house.stage.making.peek(house.stage.host, machine, slot)

  test("is no snapshot without its root volume; nor is a volume made of that by default", async () => {
    const { who } = house.stage
    const { machine, extra, snapshot } = await changedMachine(house.stage)
    const point = await without("root", snapshot)
    const revert = await core().machines.revert({ who }, machine, { snapshotId: snapshot })
    expect(revert).toMatchObject({ fault: { kind: "wrong-state", what: "snapshot", id: snapshot } })
    const clone = await core().volumes.create({ who }, { name: "c", snapshotId: snapshot })
    const lost = { kind: "not-found", what: "point", id: point?.volumeId }
    expect(clone).toMatchObject({ fault: lost })
    await done(house.stage, core().machines.detach({ who }, machine, extra))
    await done(house.stage, core().volumes.revert({ who }, extra, snapshot))
    expect(await contentOf(house.stage, extra)).toBe("one")
  })

  test("is one without another volume, which is left as it is; a memory does not go on then", async () => {
    const { who } = house.stage
    const { machine } = await changedMachine(house.stage)
    const source = { kind: "machine", id: machine } as const
    const wish = { name: "m", source, memory: true }
    const taken = await done(house.stage, core().snapshots.create({ who }, wish))
    await house.stage.making.poke(house.stage.host, machine, 1, "three")
    await without("extra", taken.id)
    expect([...(await house.stage.host.memories()).keys()]).toEqual([taken.id])
    const how = { snapshotId: taken.id }
    const reverted = right(await core().machines.revert({ who }, machine, how))
    await settled(house.stage.service, ledger(), { ok: true, value: reverted })
    expect(await inGuest(machine as never, 1)).toBe("three")
    const { message } = right(await core().operations.get(who, reverted.operation.id))
    expect(message).toMatch(
      /memory cannot go on.*; volume extra, of which the snapshot holds nothing/,
    )
    await done(house.stage, core().snapshots.remove({ who }, taken.id))
    await audit(house.stage)
  })
})
