/** Where snapshots differ, and what deleting some gives back, over the wire. */
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import type { ZodType } from "zod"
import type { VolumeDiff } from "../../src/core/core.ts"
import { no, ok } from "../../src/domain/fault.ts"
import { faces } from "../../src/faces/registry.ts"
import { filledVolume, MiB } from "../crash/stage.ts"
import { bytesOf, right, upload } from "../crash/world.ts"
import { houseForEachTest } from "../fixtures/house.ts"
import * as sample from "../fixtures/scripted-core.ts"
import { type Wire, wireTo } from "../fixtures/wire.ts"

const face = faces.native()
const { id } = sample
const extent = (offset: number, length = 10, zero = false) => ({ offset, length, zero })
const diffs: VolumeDiff[] = [
  {
    volumeId: id(20),
    fromPointId: id(41),
    toPointId: id(51),
    sizeBytes: 1000,
    changes: [extent(0), extent(10, 20, true), extent(100, 50)],
  },
  { volumeId: id(21), fromPointId: null, toPointId: id(52), sizeBytes: 500, changes: [] },
  {
    volumeId: id(22),
    fromPointId: id(43),
    toPointId: id(53),
    sizeBytes: 700,
    changes: [extent(5), extent(600)],
  },
]

describe("the words", () => {
  const { core, calls, script } = sample.scriptedCore()
  let wire: Wire
  beforeAll(async () => {
    wire = await wireTo(face, core)
  })
  afterAll(() => wire.close())
  beforeEach(() => {
    calls.length = 0
    script["snapshots.changes"] = () => ok(diffs)
    script["snapshots.freed"] = () => ok(123_456)
  })
  const asked = () => calls.filter(({ verb }) => verb !== "identity.byToken")
  const diff = `/api/snapshots/${id(40)}/diff?to=${id(50)}`
  const fits = (told: string, answer: unknown) => {
    const route = face.routes.find(({ method, path }) => `${method} ${path}` === told)
    const schema = route?.story?.answers[200] as ZodType | undefined
    expect(schema?.safeParse(answer)).toMatchObject({ success: true })
  }

  test("a difference names both, every volume, what changed in all and where", async () => {
    const reply = await wire.ask(diff)
    expect(reply.status).toBe(200)
    expect(reply.json).toMatchObject({ from: id(40), to: id(50), next: null })
    const [first, second, third] = reply.json.volumes
    expect(first).toEqual({
      volumeId: id(20),
      fromPointId: id(41),
      toPointId: id(51),
      sizeBytes: 1000,
      changedBytes: 60,
      zeroBytes: 20,
      extents: diffs[0]?.changes,
    })
    expect(second).toMatchObject({ fromPointId: null, changedBytes: 0, zeroBytes: 0, extents: [] })
    expect(third).toMatchObject({ changedBytes: 20, extents: diffs[2]?.changes })
    expect(asked()[0]?.args).toEqual([sample.admin, { from: id(40), to: id(50) }])
    fits("GET /api/snapshots/:id/diff", reply.json)
  })

  test("what one holds at all is its difference from nothing", async () => {
    const reply = await wire.ask(`/api/snapshots/${id(50)}/map?volumeId=${id(22)}`)
    expect(reply.json).toMatchObject({ from: null, to: id(50), next: null })
    const wish = { from: null, to: id(50), volume: id(22) }
    expect(asked()[0]?.args).toEqual([sample.admin, wish])
    fits("GET /api/snapshots/:id/map", reply.json)
  })

  test.each([1, 2, 3, 4, 5])("in pages of %i nothing is left out or told twice", async (limit) => {
    const told = diffs.map((): unknown[] => [])
    let pages = 0
    for (let next = ""; ; pages++) {
      const { json } = await wire.ask(`${diff}&limit=${limit}${next && `&after=${next}`}`)
      for (const [at, volume] of json.volumes.entries()) {
        told[at]?.push(...volume.extents)
        expect(volume).toMatchObject({ volumeId: diffs[at]?.volumeId })
      }
      expect(json.volumes.map(({ changedBytes }: never) => changedBytes)).toEqual([60, 0, 20])
      if (json.next === null) break
      next = json.next
    }
    expect(told).toEqual(diffs.map(({ changes }) => changes))
    expect(pages + 1).toBe(Math.ceil(5 / limit))
  })

  test("a page goes on at its place on the disk, in whatever pieces that is told by then", async () => {
    const { next } = (await wire.ask(`${diff}&limit=1`)).json
    const [first, ...others] = diffs
    const coarser = { ...first, changes: [extent(0, 30), extent(100, 50)] }
    script["snapshots.changes"] = () => ok([coarser, ...others])
    const { json } = await wire.ask(`${diff}&after=${next}`)
    expect(json.volumes[0].extents).toEqual([extent(10, 20), extent(100, 50)])
  })

  const cursor = (text: string) => Buffer.from(text).toString("base64url")
  test.each([
    [`/api/snapshots/${id(40)}/diff`, "to"],
    [`${diff}&to=${id(51)}`, "to"],
    [`${diff}&limit=0`, "limit"],
    [`${diff}&limit=100001`, "limit"],
    [`${diff}&limit=1e3`, "limit"],
    [`${diff}&after=zzz`, "after"],
    [`${diff}&after=${cursor(id(20))}`, "after"],
    [`${diff}&after=${cursor(`${id(20)}:-1`)}`, "after"],
    [`${diff}&after=${cursor(`${id(20)}:${"9".repeat(400)}`)}`, "after"],
    [`${diff}&volume=${id(20)}`, "volume"],
    [`/api/snapshots/${id(40)}/map?to=${id(50)}`, "to"],
  ])("%s is told what is wrong", async (path, field) => {
    const reply = await wire.ask(path)
    expect(reply.json).toMatchObject({ status: 400, kind: "invalid", field })
    expect(asked()).toEqual([])
  })

  test("a cursor of another difference is none of this", async () => {
    const reply = await wire.ask(`${diff}&after=${cursor(`${id(77)}:0`)}`)
    expect(reply.json).toMatchObject({ status: 400, kind: "invalid", field: "after" })
  })

  test.each([
    [`/api/snapshots/-/diff?to=${id(50)}`, "snapshot"],
    [`/api/snapshots/${id(40)}/diff?to=monday`, "snapshot"],
    [`/api/snapshots/${id(40)}/diff?to=`, "snapshot"],
    [`${diff}&volumeId=../data`, "volume"],
  ])("%s names nothing", async (path, what) => {
    const reply = await wire.ask(path)
    expect(reply.json).toMatchObject({ status: 404, kind: "not-found", what })
    expect(asked()).toEqual([])
  })

  test("refusals of the core are told in their words", async () => {
    const why = "these two have nothing in common"
    script["snapshots.changes"] = () => no({ kind: "invalid", why, field: "to" })
    const reply = await wire.ask(diff)
    expect(reply.json).toMatchObject({ status: 400, kind: "invalid", field: "to" })
    expect(reply.json.detail).toContain(why)
  })

  const freed = (body: object | string) =>
    wire.ask("/api/snapshots/freed", { method: "POST", body })

  test("what several would give back is one number", async () => {
    const reply = await freed({ snapshotIds: [id(40), id(50)] })
    expect([reply.status, reply.json]).toEqual([200, { freedIfDeleted: 123_456 }])
    expect(asked()[0]?.args).toEqual([sample.admin, [id(40), id(50)]])
    fits("POST /api/snapshots/freed", reply.json)
  })

  test("as many as a thousand may be asked of, and no more", async () => {
    const some = (count: number) => Array.from({ length: count }, (_, at) => id(at + 100))
    expect((await freed({ snapshotIds: some(1000) })).status).toBe(200)
    for (const snapshotIds of [some(1001), some(20_000), []]) {
      const reply = await freed({ snapshotIds })
      expect(reply.json).toMatchObject({ status: 400, kind: "invalid", field: "snapshotIds" })
    }
    expect(asked()).toHaveLength(1)
  })

  test.each([
    [{}, 400],
    [{ snapshotIds: id(40) }, 400],
    [{ snapshotIds: [40] }, 400],
    [{ snapshotIds: [id(40)], force: true }, 400],
    [[id(40)], 400],
    ['{"snapshotIds":', 400],
    [{ snapshotIds: [id(40), "monday"] }, 404],
  ])("%j is no such question", async (body, status) => {
    expect((await freed(body)).status).toBe(status)
    expect(asked()).toEqual([])
  })

  test("memory is told of a snapshot, and of a machine that it is held still", async () => {
    script["snapshots.get"] = () => ok({ ...sample.snapshot, memoryBytes: 4096 })
    expect((await wire.ask(`/api/snapshots/${id(40)}`)).json.memory).toEqual({ bytes: 4096 })
    const held = { operationId: id(90), until: sample.at }
    script["machines.get"] = () => ok({ ...sample.machine, held })
    const { json } = await wire.ask(`/api/machines/${id(10)}`)
    expect(json.held).toEqual({ operationId: id(90), until: sample.atText })
  })
})

describe("on real work", () => {
  const house = houseForEachTest()
  let wire: Wire
  beforeEach(async () => {
    wire = await wireTo(face, house.core())
  })
  afterEach(() => wire.close())
  const token = "the-administrators-token"

  test("a volume that was written again differs where it was written", async () => {
    const { who } = house.stage
    const { volume } = await filledVolume(house.stage, "old")
    const first = await house.snapshotOf(who, volume, "first")
    right(await house.core().volumes.importFrom({ who }, volume, upload(bytesOf("new", MiB))))
    const second = await house.snapshotOf(who, volume, "second")
    const path = `/api/snapshots/${first.id}/diff?to=${second.id}`
    const { json } = await wire.ask(path, { token })
    expect(json.volumes).toMatchObject([
      { volumeId: volume, changedBytes: 4096, zeroBytes: 0, extents: [extent(0, 4096)] },
    ])
    const body = { snapshotIds: [first.id, second.id] }
    const { bytes } = (await wire.ask(`/api/snapshots/${first.id}`, { token })).json
    const reply = await wire.ask("/api/snapshots/freed", { method: "POST", body, token })
    expect(reply.json).toEqual({ freedIfDeleted: bytes.freedIfDeleted })
    expect(bytes.freedIfDeleted).toBeGreaterThan(0)
  })

  test("another account's snapshots and unknown ones are refused alike", async () => {
    const made = right(await house.core().identity.createAccount(house.stage, { login: "alice" }))
    const alice = right(await house.core().identity.byToken(made.token ?? ""))
    const hers = await house.snapshotOf(alice, (await house.volumeOf(alice)).id)
    const theirs = await house.snapshotOf(
      house.stage.who,
      (await house.volumeOf(house.stage.who)).id,
    )
    const refusals = async (other: string) => {
      const body = { snapshotIds: [hers.id, other] }
      const replies = [
        await wire.ask(`/api/snapshots/${hers.id}/diff?to=${other}`, { token: made.token }),
        await wire.ask(`/api/snapshots/${other}/diff?to=${hers.id}`, { token: made.token }),
        await wire.ask(`/api/snapshots/${other}/map`, { token: made.token }),
        await wire.ask("/api/snapshots/freed", { method: "POST", body, token: made.token }),
      ]
      return replies.map(({ status, json }) => [status, json.detail.replaceAll(other, "X")])
    }
    const foreign = await refusals(theirs.id)
    expect(foreign).toEqual(Array.from({ length: 4 }, () => [404, "no snapshot X"]))
    expect(await refusals(id(77))).toEqual(foreign)
  })
})
