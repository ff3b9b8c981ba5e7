/** Operations that are given up: what they did is taken back, or it is too late. On fakes. */
import { PassThrough } from "node:stream"
import { describe, expect, test } from "vitest"
import type { OperationId } from "../../src/domain/ids.ts"
import { contentOf, filledVolume, MiB } from "../crash/stage.ts"
import { bytesOf, ending, right } from "../crash/world.ts"
import { faultOf, houseForEachTest } from "../fixtures/house.ts"

const house = houseForEachTest()
const { core, volumeOf, snapshotOf } = house

const cancel = (id: OperationId) => core().operations.cancel({ who: house.stage.who }, id)
const rowOf = async (id: OperationId) => {
  const row = await house.stage.making.ledger.read.operations.get(id)
  if (row === undefined) throw new Error(`no operation ${id}`)
  return row
}
const underWay = async (target: string) => {
  const { operations } = house.stage.making.ledger.read
  await expect.poll(() => operations.find({ targetId: target, state: "running" })).toHaveLength(1)
  const [operation] = await operations.find({ targetId: target, state: "running" })
  if (operation === undefined) throw new Error("it is not under way any more")
  return operation.id
}
/** An upload of which half has come. */
function slowly() {
  const stream = new PassThrough()
  stream.write(bytesOf("new", MiB / 2))
  return { format: "raw", stream, lengthBytes: MiB } as const
}

describe("given up in the middle", () => {
  test("an upload is undone; those behind it have their turn", async () => {
    const { who } = house.stage
    const { volume } = await filledVolume(house.stage, "old")
    const importing = core().volumes.importFrom({ who }, volume, slowly())
    const id = await underWay(volume)
    const source = { kind: "volume", id: volume } as const
    const behind = await core().snapshots.create({ who }, { name: "s", source })
    expect(right(await cancel(id))).toMatchObject({ id, cancelled: true })
    expect(await importing).toMatchObject({ fault: { kind: "failed", why: "cancelled" } })
    expect(await rowOf(id)).toMatchObject({ state: "undone", reason: "cancelled", fault: null })
    expect((await ending(house.stage.service, house.stage.making.ledger, behind)).state).toBe(
      "done",
    )
    expect(await contentOf(house.stage, volume)).toBe("old")
    const found = right(await core().house.doctor(who, { fix: false, rebuild: false }))
    expect(found).toEqual([])
  })

  test("a machine whose guest does not answer is not waited for", async () => {
    const { who, host } = house.stage
    const image = await house.stage.making.makeImage(house.stage.service, who)
    Object.defineProperty(host, "answers", { value: () => new Promise(() => {}) })
    const made = right(await core().machines.create({ who }, { name: "m", imageId: image }))
    const { id } = made.resource
    const { operations } = house.stage.making.ledger.read
    const waits = async () =>
      (await operations.log(made.operation.id)).some(({ step }) => step === "answer")
    await expect.poll(waits).toBe(true)
    right(await cancel(made.operation.id))
    const ended = await ending(house.stage.service, house.stage.making.ledger, {
      ok: true,
      value: made,
    })
    expect(ended).toMatchObject({ state: "undone", reason: "cancelled" })
    expect(right(await core().machines.get(who, id))).toMatchObject({
      state: "failed",
      reason: "cancelled",
      disks: [],
    })
    expect(await host.look(id)).toBe("gone")
  })

  test("while it waits for its turn it never begins", async () => {
    const { who } = house.stage
    const { volume } = await filledVolume(house.stage, "old")
    const importing = core().volumes.importFrom({ who }, volume, slowly())
    const first = await underWay(volume)
    const source = { kind: "volume", id: volume } as const
    const queued = right(await core().snapshots.create({ who }, { name: "s", source }))
    right(await cancel(queued.operation.id))
    expect((await rowOf(queued.operation.id)).state).toBe("queued")
    right(await cancel(first))
    await importing
    await house.stage.service.executor.idle()
    expect(await rowOf(queued.operation.id)).toMatchObject({
      state: "undone",
      reason: "cancelled",
    })
    const snapshot = right(await core().snapshots.get(who, queued.resource.id))
    expect(snapshot).toMatchObject({ state: "failed", reason: "cancelled", points: [] })
  })
})

describe("too late", () => {
  test("what has ended is not given up, and stays as it ended", async () => {
    const { who } = house.stage
    const made = right(await core().volumes.create({ who }, { name: "v", sizeBytes: MiB }))
    await house.stage.service.executor.idle()
    const fault = { kind: "wrong-state", what: "operation", is: "done" }
    expect(await cancel(made.operation.id)).toMatchObject({ fault })
    expect(await rowOf(made.operation.id)).toMatchObject({ state: "done", cancelled: false })
  })

  test("a delete was told to be done, so it cannot be taken back", async () => {
    const { who } = house.stage
    const volume = await volumeOf(who)
    const { id } = await snapshotOf(who, volume.id)
    await house.stage.service.executor.close(100)
    const removed = right(await core().snapshots.remove({ who }, id))
    const fault = { kind: "wrong-state", is: "past its point of no return" }
    expect(await cancel(removed.operation.id)).toMatchObject({ fault })
    expect(await rowOf(removed.operation.id)).toMatchObject({ cancelled: false })
  })
})

describe("who may", () => {
  test("only those who may change things in the account, and the administrator", async () => {
    const [alice, bob] = [await house.member("alice"), await house.member("bob")]
    const reader = await house.member("carol", "reader")
    const volume = await volumeOf(alice)
    const importing = core().volumes.importFrom({ who: alice }, volume.id, slowly())
    const id = await underWay(volume.id)
    expect(faultOf(await core().operations.cancel({ who: bob }, id))).toBe("not-found")
    expect(faultOf(await core().operations.cancel({ who: reader }, id))).toBe("forbidden")
    right(await cancel(id))
    expect(faultOf(await importing)).toBe("failed")
  })
})
