/** What is asked of several snapshots together, of a service on fakes. */
import { describe, expect, test } from "vitest"
import type { VolumeDiff } from "../../src/core/core.ts"
import type { Principal } from "../../src/domain/account.ts"
import { newId, type SnapshotId, type VolumeId } from "../../src/domain/ids.ts"
import { changedMachine, done, filledVolume, MiB, runningMachine } from "../crash/stage.ts"
import { bytesOf, right, upload } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core, member, snapshotOf, volumeOf } = house
const me = () => house.stage.who

/** What the fake keeps apart. */
const block = 4096
const data = (offset: number, length = block) => ({ offset, length, zero: false })

const fill = async (who: Principal, id: VolumeId, text: string) =>
  right(await core().volumes.importFrom({ who }, id, upload(bytesOf(text, MiB))))
const ofMachine = async (id: string, more: object = {}) => {
  const source = { kind: "machine", id: id as never } as const
  const wish = { name: "s", source, ...more }
  return (await done(house.stage, core().snapshots.create({ who: me() }, wish))).id
}
const changes = async (from: SnapshotId | null, to: SnapshotId, volume?: VolumeId) => {
  const wish = { from, to, ...(volume === undefined ? {} : { volume }) }
  return right(await core().snapshots.changes(me(), wish))
}
const brief = (diffs: readonly VolumeDiff[]) =>
  diffs.map(({ volumeId, changes }) => ({ volumeId, changes }))

describe("where two snapshots differ", () => {
  test("of a volume: what was written between them, and nothing between one and itself", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const first = await snapshotOf(me(), volume, "first")
    await fill(me(), volume, "new")
    const second = await snapshotOf(me(), volume, "second")
    expect(await changes(first.id, second.id)).toEqual([
      {
        volumeId: volume,
        fromPointId: first.points[0]?.id,
        toPointId: second.points[0]?.id,
        sizeBytes: MiB,
        changes: [data(0)],
      },
    ])
    expect(brief(await changes(second.id, second.id))).toEqual([{ volumeId: volume, changes: [] }])
    const [whole] = await changes(null, second.id)
    expect(whole).toMatchObject({ volumeId: volume, fromPointId: null })
    expect(whole?.changes.filter(({ zero }) => !zero)).toEqual([data(0)])
  })

  test("of a machine: each volume that both cover, or the one that was named", async () => {
    const { machine, extra, snapshot } = await changedMachine(house.stage)
    const after = await ofMachine(machine)
    const { rootVolumeId: root } = right(await core().machines.get(me(), machine))
    const all = brief(await changes(snapshot, after))
    expect(all).toHaveLength(2)
    expect(all).toContainEqual({ volumeId: root, changes: [] })
    expect(all).toContainEqual({ volumeId: extra, changes: [data(0)] })
    const [only, ...others] = brief(await changes(snapshot, after, extra))
    expect(only).toEqual({ volumeId: extra, changes: [data(0)] })
    expect(others).toEqual([])
  })

  test("a volume attached since came from nothing, where it was named", async () => {
    const { machine, extra, snapshot } = await changedMachine(house.stage)
    const late = await volumeOf(me(), "late")
    await fill(me(), late.id, "late")
    await done(house.stage, core().machines.attach({ who: me() }, machine, late.id))
    const after = await ofMachine(machine)
    expect((await changes(snapshot, after)).map(({ volumeId }) => volumeId)).not.toContain(late.id)
    const [whole, ...others] = await changes(snapshot, after, late.id)
    expect(whole).toMatchObject({ volumeId: late.id, fromPointId: null })
    expect(whole?.changes.filter(({ zero }) => !zero)).toEqual([data(0)])
    expect(others).toEqual([])
    await done(house.stage, core().machines.detach({ who: me() }, machine, extra))
    const alone = await snapshotOf(me(), extra)
    expect(brief(await changes(after, alone.id))).toEqual([{ volumeId: extra, changes: [] }])
  })

  test("of a clone, with what it was made from, also when that snapshot is gone", async () => {
    const { machine, extra, snapshot } = await changedMachine(house.stage)
    await done(house.stage, core().machines.detach({ who: me() }, machine, extra))
    const origin = await snapshotOf(me(), extra)
    const wish = { name: "clone", snapshotId: origin.id }
    const clone = await done(house.stage, core().volumes.create({ who: me() }, wish))
    await done(house.stage, core().machines.attach({ who: me() }, machine, clone.id))
    await house.stage.making.poke(house.stage.host, machine, 1, "three")
    await done(house.stage, core().machines.detach({ who: me() }, machine, clone.id))
    const later = await snapshotOf(me(), clone.id)
    const told = [{ volumeId: clone.id, changes: [data(0)] }]
    expect(brief(await changes(origin.id, later.id))).toEqual(told)
    await done(house.stage, core().snapshots.remove({ who: me() }, origin.id))
    expect(brief(await changes(snapshot, later.id))).toEqual(told)
  })

  test("two that have nothing in common are not compared", async () => {
    const [one, other] = [await volumeOf(me(), "one"), await volumeOf(me(), "other")]
    await fill(me(), one.id, "same")
    await fill(me(), other.id, "same")
    const [from, to] = [await snapshotOf(me(), one.id), await snapshotOf(me(), other.id)]
    for (const wish of [{}, { volume: other.id }]) {
      const result = await core().snapshots.changes(me(), { from: from.id, to: to.id, ...wish })
      expect(result).toMatchObject({ ok: false, fault: { kind: "invalid", field: "to" } })
    }
  })

  test("what it does not cover, what failed and what is gone are not compared", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const [good, bad] = [await snapshotOf(me(), volume), await snapshotOf(me(), volume)]
    const ask = async (from: SnapshotId, to: SnapshotId, more: { volume?: VolumeId } = {}) =>
      await core().snapshots.changes(me(), { from, to, ...more })
    const stranger = await volumeOf(me(), "stranger")
    expect(await ask(good.id, bad.id, { volume: stranger.id })).toMatchObject({
      fault: { kind: "not-found", what: "point", id: stranger.id },
    })
    const { ledger } = house.stage.making
    for (const state of ["creating", "failed"] as const) {
      await ledger.transaction((rooms) => rooms.snapshots.change(bad.id, { state }))
      const fault = { kind: "wrong-state", id: bad.id, is: state, needs: ["ready"] }
      expect(await ask(good.id, bad.id)).toMatchObject({ fault })
      expect(await ask(bad.id, good.id)).toMatchObject({ fault })
    }
    await ledger.transaction((rooms) => rooms.snapshots.change(bad.id, { state: "ready" }))
    await done(house.stage, core().snapshots.remove({ who: me() }, bad.id))
    expect(faultOf(await ask(good.id, bad.id))).toBe("not-found")
  })
})

describe("what deleting several would give back", () => {
  test("together may be more than each alone, and is what comes back", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const twins = [await snapshotOf(me(), volume, "a"), await snapshotOf(me(), volume, "b")]
    await fill(me(), volume, "new")
    const ids = twins.map(({ id }) => id)
    const freed = async (...of: SnapshotId[]) => right(await core().snapshots.freed(me(), of))
    for (const id of ids) expect(await freed(id)).toBe(0)
    const together = await freed(...ids)
    expect(together).toBeGreaterThanOrEqual(block)
    expect(await freed(...ids, ...ids)).toBe(together)
    const used = async () => {
      const engine = (await house.stage.making.openEngines())["memory"]
      const memory = house.stage.making.ledger.engineMemory("memory")
      const usage = await engine?.with(memory).usage()
      return [...(usage?.values() ?? [])].reduce((sum, bytes) => sum + bytes, 0)
    }
    const before = await used()
    for (const id of ids) await done(house.stage, core().snapshots.remove({ who: me() }, id))
    expect(before - (await used())).toBe(together)
  })

  test("the guest's memory is part of it, once", async () => {
    const { machine } = await runningMachine(house.stage)
    const id = await ofMachine(machine, { memory: true })
    const { memoryBytes, bytes } = right(await core().snapshots.get(me(), id))
    expect(memoryBytes).toBeGreaterThan(0)
    expect(right(await core().snapshots.freed(me(), [id]))).toBe(bytes.freedIfDeleted)
    expect(right(await core().snapshots.freed(me(), [id, id]))).toBe(bytes.freedIfDeleted)
  })

  test("of none, and of those that failed, nothing", async () => {
    expect(right(await core().snapshots.freed(me(), []))).toBe(0)
    const { volume } = await filledVolume(house.stage, "old")
    const { id, points } = await snapshotOf(me(), volume)
    await house.stage.making.ledger.transaction(async (rooms) => {
      await rooms.snapshots.change(id, { state: "failed" })
      for (const point of points) await rooms.points.remove(point.id)
    })
    expect(right(await core().snapshots.freed(me(), [id]))).toBe(0)
  })
})

test("what is another's is not there, whichever side it is on; a reader may ask", async () => {
  const alice = await member("alice")
  const reader = await member("bob", "reader")
  const bob = await member("carol")
  const mine = await snapshotOf(alice, (await volumeOf(alice)).id)
  const theirs = await snapshotOf(bob, (await volumeOf(bob)).id)
  const unknown = newId<"snapshot">()
  const { snapshots } = core()
  for (const id of [theirs.id, unknown]) {
    const gone = { ok: false, fault: { kind: "not-found", what: "snapshot", id } }
    expect(await snapshots.changes(alice, { from: mine.id, to: id })).toEqual(gone)
    expect(await snapshots.changes(alice, { from: id, to: mine.id })).toEqual(gone)
    expect(await snapshots.changes(alice, { from: null, to: id })).toEqual(gone)
    expect(await snapshots.freed(alice, [mine.id, id])).toEqual(gone)
  }
  const volume = theirs.points[0]?.volumeId as VolumeId
  const named = { from: mine.id, to: mine.id, volume }
  expect(await snapshots.changes(alice, named)).toEqual({
    ok: false,
    fault: { kind: "not-found", what: "point", id: volume },
  })
  expect(right(await snapshots.freed(me(), [mine.id, theirs.id]))).toBe(0)
  expect(faultOf(await snapshots.freed(reader, [mine.id]))).toBe("not-found")
  const { id } = await volumeOf({ ...reader, role: "member" })
  const seen = await snapshotOf({ ...reader, role: "member" }, id)
  expect(right(await snapshots.freed(reader, [seen.id]))).toBe(0)
  expect(right(await snapshots.changes(reader, { from: null, to: seen.id }))).toHaveLength(1)
})
