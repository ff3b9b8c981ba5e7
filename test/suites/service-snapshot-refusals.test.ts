/** Refusals that a face wants on record: told afterwards, by a snapshot that failed. */
import { describe, expect, test } from "vitest"
import type { CountRule, SnapshotWish } from "../../src/core/core.ts"
import type { Principal } from "../../src/domain/account.ts"
import { explain } from "../../src/domain/fault.ts"
import type { VolumeId } from "../../src/domain/ids.ts"
import { done } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest({ failedMs: 1000 })
const { core, volumeOf } = house
const ledger = () => house.stage.making.ledger

const ofVolume = (id: VolumeId) => ({ kind: "volume", id }) as const
const take = (who: Principal, wish: Omit<SnapshotWish, "name"> & { name?: string }) =>
  core().snapshots.create({ who }, { name: "s", ...wish })
const refusing = (most: number, then: CountRule["then"] = "refuse"): CountRule => ({ most, then })

describe("a refusal that is to be on record", () => {
  const countRule = refusing(0)
  const recorded = ["quota", "in-use", "name-taken"] as const

  test("is a failed snapshot and an operation that was undone, and holds nothing", async () => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    const wish = { source: ofVolume(id), description: "mine", countRule, recorded }
    const { resource, operation } = right(await take(who, wish))
    const quota = { kind: "quota", what: "snapshots of one volume", limit: 0, used: 0 } as const
    const reason = explain(quota)
    expect(resource).toMatchObject({ state: "failed", reason, description: "mine", points: [] })
    expect(operation).toMatchObject({
      kind: "snapshot-create",
      state: "undone",
      targetId: resource.id,
      subjectId: id,
      reason,
      fault: quota,
      startedAt: operation.createdAt,
      endedAt: operation.createdAt,
    })
    expect(right(await core().operations.get(who, operation.id)).state).toBe("undone")
    expect(right(await core().snapshots.get(who, resource.id))).toMatchObject({ reason })
    expect(await ledger().read.operations.holding(id)).toEqual([])
    expect(await ledger().examine()).toEqual([])
    const events = await ledger().read.events.after(0, null, 100)
    const ofThis = events.filter((each) => each.resourceId === resource.id)
    expect(ofThis.map((each) => each.type)).toEqual(["snapshot.failed", "operation.undone"])
    await done(house.stage, take(who, { source: ofVolume(id) }))
  })

  test("is answered under its key as it was, and is on record once", async () => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    const wish = { name: "s", source: ofVolume(id), countRule, recorded }
    const asking = { who, repeat: { key: "k", requestHash: "h" } }
    const first = right(await core().snapshots.create(asking, wish))
    const again = right(await core().snapshots.create(asking, wish))
    expect(again).toEqual({ ...first, replayed: true })
    expect(await ledger().read.snapshots.count({})).toBe(1)
  })

  test("goes from the record when failed snapshots do", async () => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    const { resource } = right(await take(who, { source: ofVolume(id), countRule, recorded }))
    const createdAt = resource.createdAt - 2000
    await ledger().transaction((rooms) => rooms.snapshots.change(resource.id, { createdAt }))
    await house.stage.service.tidyUp()
    expect(faultOf(await core().snapshots.get(who, resource.id))).toBe("not-found")
  })

  test("is told at once if it is of another kind, or of the source or the name", async () => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    const source = ofVolume(id)
    const states = { sourceRule: { states: ["in-use"] } } as const
    expect(faultOf(await take(who, { source, ...states, recorded }))).toBe("wrong-state")
    const everyKind = ["invalid", "not-found", "forbidden"] as const
    expect(faultOf(await take(who, { name: "\n", source, recorded: everyKind }))).toBe("invalid")
    const nowhere = ofVolume("0" as never)
    expect(faultOf(await take(who, { source: nowhere, recorded: everyKind }))).toBe("not-found")
    const reader = await house.member("alice", "reader")
    expect(faultOf(await take(reader, { source, recorded: everyKind }))).toBe("forbidden")
    expect(await ledger().read.snapshots.count({})).toBe(0)
  })

  test("is told, and no more recorded, where a thousand of one source are on record", async () => {
    const { who } = house.stage
    const { id } = await volumeOf(who)
    const wish = { source: ofVolume(id), countRule, recorded }
    const { resource } = right(await take(who, wish))
    const { points: _, bytes: __, current: ___, ...row } = resource
    await ledger().transaction(async (rooms) => {
      for (let n = 1; n < 999; n++) await rooms.snapshots.add({ ...row, id: `${n}` as never })
    })
    right(await take(who, wish))
    expect(faultOf(await take(who, wish))).toBe("quota")
  })
})
