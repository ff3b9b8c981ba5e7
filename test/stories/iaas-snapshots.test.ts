/** Snapshots of machines from end to end, and the trackers they are told by. On fakes. */
import { beforeEach, describe, expect, test } from "vitest"
import type { MachineId, SnapshotId } from "../../src/domain/ids.ts"
import { done, MiB, snapshotContent } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { iaasFace, iaasForEachTest, type Tenant } from "../fixtures/iaas-house.ts"
import { wireTo } from "../fixtures/wire.ts"

const iaas = iaasForEachTest()
let alice: Tenant
let machine: string
let id: MachineId
beforeEach(async () => {
  alice = await iaas.tenant("alice")
  machine = await iaas.machine(alice)
  id = idOf(machine) as MachineId
})

const idOf = (path: string) => path.split("/").at(-1) ?? ""
const { house } = iaas
const get = async (path: string) => (await alice.ask("GET", path)).json
const create = (body: object = {}) => alice.ask("POST", `${machine}/operations/snapshots`, { body })
const take = async (name: string, more: object = {}) =>
  iaas.done(alice, await create({ name, ...more }))
const revert = (snapshot: string, query = "apiVersion=2021-07-15") =>
  alice.ask("POST", `${machine}/operations/revert/${idOf(snapshot)}?${query}`)
const remove = async (snapshot: string) => iaas.done(alice, await alice.ask("DELETE", snapshot))
/** As long as what is there from the image, so that nothing of that shows through. */
const poke = (text: string) =>
  house.stage.making.poke(house.stage.host, id, 0, text.padEnd("an image".length))
const peek = async () => (await house.stage.making.peek(house.stage.host, id, 0)).trimEnd()
const power = async (word: string) =>
  iaas.done(alice, await alice.ask("POST", `${machine}/operations/${word}`))
type Row = { id: string; name: string; isCurrent: boolean; parentId?: string }
const rows = async (): Promise<Row[]> => get(`${machine}/snapshots`)
const current = async () => (await rows()).filter((row) => row.isCurrent).map(({ name }) => name)

describe("the tracker", () => {
  test("is in progress, then finished with the machine first and the snapshot second", async () => {
    const { status, json } = await create({ name: "s", description: "d" })
    expect(status).toBe(202)
    expect(json).toMatchObject({ status: "INPROGRESS", progress: 0, name: "Create snapshot" })
    expect(json.selfLink).toBe(`/iaas/api/request-tracker/${json.id}`)
    const listed = await get("/iaas/api/request-tracker")
    expect(listed.content.map((each: { id: string }) => each.id)).toContain(json.id)
    await house.stage.service.executor.idle()
    const ended = await get(json.selfLink)
    expect(ended).toMatchObject({ status: "FINISHED", progress: 100 })
    const [row] = await rows()
    expect(ended.resources).toEqual([machine, `${machine}/snapshots/${row?.id}`])
    expect(row).toMatchObject({ name: "s", description: "d", isCurrent: true })
  })

  test("is of the work, so that hiding it changes nothing else", async () => {
    const { json } = await create({ name: "s" })
    expect((await alice.ask("DELETE", json.selfLink)).status).toBe(204)
    expect((await alice.ask("GET", json.selfLink)).status).toBe(404)
    await house.stage.service.executor.idle()
    expect(await current()).toEqual(["s"])
  })

  test("of a snapshot that failed on the way says so, and there is no snapshot", async () => {
    Object.defineProperty(house.stage.host, "switchDisks", {
      value: async () => {
        throw new Error("the switch was made to fail")
      },
    })
    const failed = await iaas.ended(alice, await create({ name: "s" }))
    expect(failed).toMatchObject({
      status: "FAILED",
      message: expect.stringMatching(/^the service failed/),
    })
    expect(failed.resources).toEqual([machine])
    expect(await rows()).toEqual([])
  })
})

describe("bodies", () => {
  test("of generated and of handwritten clients make the same", async () => {
    const generated = {
      ...{ owner: "x@y", organizationId: "o", orgId: "9e49", id: "9e49", _links: {} },
      ...{ createdAt: "2012-09-27", updatedAt: "2012-09-27", description: null },
      ...{ name: "s", customProperties: { ticket: 7, __internal: "x" } },
    }
    await take("s", generated)
    await take("s")
    const [first, second] = await rows()
    expect(first).toMatchObject({ name: "s", customProperties: { ticket: "7" }, owner: "alice" })
    expect(first).not.toHaveProperty("customProperties.__internal")
    expect(first?.id).not.toBe("9e49")
    expect(second).toMatchObject({ name: "s", description: "", snapshotMemory: false })
  })

  test("are JSON whatever their type says, and may be left out", async () => {
    const headers = {
      "content-type": "text/plain;charset=UTF-8",
      accept: "app/json, application/json",
    }
    const path = `${machine}/operations/snapshots`
    const body = JSON.stringify({ name: "plain" })
    await iaas.done(alice, await alice.ask("POST", path, { headers, body }))
    await iaas.done(alice, await alice.ask("POST", path))
    const [plain, nameless] = await rows()
    expect(plain?.name).toBe("plain")
    expect(nameless?.name).toMatch(/^snapshot-\d{4}-/)
  })

  test.each([
    ["{", "the body is not well-formed JSON"],
    ["[]", "must be an object, not a list"],
    ['{"name":7}', "name: must be a string, not a number"],
    ['{"snapshotMemory":"yes"}', "snapshotMemory: must be a boolean, not a string"],
    ['{"customProperties":{"a":{}}}', "customProperties.a: "],
  ])("%s is refused", async (body, why) => {
    const { status, json } = await alice.ask("POST", `${machine}/operations/snapshots`, { body })
    expect(status).toBe(400)
    expect(json.message).toContain(why)
    expect(await rows()).toEqual([])
  })
})

describe("memory", () => {
  test("is kept of a running machine, which goes on, and comes back with a revert", async () => {
    const { host, making } = house.stage
    await making.remember(host, id, "counting at 7")
    const snapshot = await take("s", { snapshotMemory: true })
    expect((await get(machine)).powerState).toBe("ON")
    expect(await get(snapshot)).toMatchObject({
      snapshotMemory: true,
      consistency: { label: "memory", pauseMs: expect.any(Number) },
    })
    await making.remember(host, id, "something else")
    await power("power-off")
    await iaas.done(alice, await revert(snapshot))
    expect((await get(machine)).powerState).toBe("ON")
    expect(await making.recall(host, id)).toBe("counting at 7")
  })

  /** A snapshot with memory that goes no further until it is let; `fail` makes it come to nothing. */
  async function takeSlowly({ fail }: { fail: boolean }) {
    const begun = Promise.withResolvers<void>()
    const release = Promise.withResolvers<void>()
    const { host } = house.stage
    const keep = host.keepMemory.bind(host)
    Object.defineProperty(host, "keepMemory", {
      value: async (...args: Parameters<typeof keep>) => {
        begun.resolve()
        await release.promise
        if (fail) throw new Error("the stream was made to fail")
        return await keep(...args)
      },
    })
    const asked = await create({ name: "s", snapshotMemory: true })
    await begun.promise
    const [row] = await rows()
    expect(row).toMatchObject({ name: "s", provisioningStatus: "PROVISIONING", isCurrent: false })
    return { asked, snapshot: row?.id ?? "", release: () => release.resolve() }
  }

  test("that is still being kept is waited for by a revert, in the queue", async () => {
    const { host, making } = house.stage
    await making.remember(host, id, "counting at 7")
    const { asked, snapshot, release } = await takeSlowly({ fail: false })
    const reverting = await revert(snapshot)
    expect(reverting.json).toMatchObject({ status: "INPROGRESS", progress: 0 })
    await making.remember(host, id, "something else")
    release()
    await iaas.done(alice, asked)
    await iaas.done(alice, reverting)
    expect((await get(machine)).powerState).toBe("ON")
    expect(await making.recall(host, id)).toBe("counting at 7")
  })

  test("that comes to nothing leaves the machine as it is, whoever waited for it", async () => {
    const { host, making } = house.stage
    const { asked, snapshot, release } = await takeSlowly({ fail: true })
    const reverting = await revert(snapshot)
    await making.remember(host, id, "what was not given up")
    release()
    await iaas.ended(alice, asked)
    const failed = await iaas.ended(alice, reverting)
    expect([failed.status, failed.message]).toEqual([
      "FAILED",
      `snapshot ${snapshot} is failed; this needs it ready`,
    ])
    expect((await get(machine)).powerState).toBe("ON")
    expect(await making.recall(host, id)).toBe("what was not given up")
  })

  test("of a machine that is off is refused in a tracker, and nothing is kept", async () => {
    await power("power-off")
    const failed = await iaas.ended(alice, await create({ name: "s", snapshotMemory: true }))
    expect(failed).toMatchObject({ status: "FAILED", resources: [machine] })
    expect(failed.message).toBe(
      `machine ${id} is stopped; this needs it running: ` +
        "start it first, or take the snapshot without memory",
    )
    expect(await rows()).toEqual([])
    await take("without")
  })

  test("is not kept by a snapshot without it: its revert leaves the machine off", async () => {
    await poke("old")
    const snapshot = await take("s")
    await poke("new")
    await iaas.done(alice, await revert(snapshot))
    expect((await get(machine)).powerState).toBe("OFF")
    await power("power-on")
    expect(await peek()).toBe("old")
  })

  test("of a guest that is to be quiet instead is asked for by a property", async () => {
    const snapshot = await take("s", { customProperties: { quiesce: "true" } })
    expect((await get(snapshot)).consistency.label).toBe("filesystem")
  })
})

describe("the tree", () => {
  test("grows where the machine stands, and is linked both ways", async () => {
    const a = await take("a")
    const b = await take("b")
    await iaas.done(alice, await revert(a))
    expect(await current()).toEqual(["a"])
    const c = await take("c")
    expect(await current()).toEqual(["c"])
    expect((await get(a))._links.children.hrefs).toEqual([b, c])
    expect((await get(c))._links.parent).toEqual({ href: a })
    expect(await get(b)).toMatchObject({ parentId: idOf(a), isCurrent: false })
    expect(await get(a)).not.toHaveProperty("parentId")
    await remove(c)
    expect(await current()).toEqual(["a"])
  })

  test("loses one in the middle, and its children keep every bit", async () => {
    const { stage } = house
    await poke("one")
    const a = await take("a")
    await poke("two")
    const b = await take("b")
    await poke("three")
    const c = await take("c")
    await poke("four")
    await remove(b)
    expect((await rows()).map(({ name }) => name)).toEqual(["a", "c"])
    expect((await get(c)).parentId).toBe(idOf(a))
    expect(await peek()).toBe("four")
    expect((await get(machine)).powerState).toBe("ON")
    expect(await snapshotContent(stage, idOf(a) as SnapshotId)).toBe("one")
    expect(await snapshotContent(stage, idOf(c) as SnapshotId)).toBe("three")
    expect((await alice.ask("GET", b)).status).toBe(404)
    expect((await alice.ask("DELETE", b)).status).toBe(404)
    expect((await revert(b)).status).toBe(404)
  })

  test("has what other faces made of the machine or its root volume, and no other", async () => {
    const { rootVolumeId } = right(await house.core().machines.get(alice.who, id))
    const asking = { who: alice.who }
    const { snapshots, volumes } = house.core()
    const of = async (source: Parameters<typeof snapshots.create>[1]["source"], name: string) =>
      done(house.stage, snapshots.create(asking, { name, source }))
    await of({ kind: "machine", id }, "elsewhere")
    expect(await current()).toEqual(["elsewhere"])
    const root = await of({ kind: "volume", id: rootVolumeId }, "of the root")
    expect(await current()).toEqual(["of the root"])
    const extra = await done(house.stage, volumes.create(asking, { name: "v", sizeBytes: MiB }))
    const stray = await of({ kind: "volume", id: extra.id }, "of another")
    expect((await rows()).map(({ name }) => name)).toEqual(["elsewhere", "of the root"])
    expect((await alice.ask("GET", `${machine}/snapshots/${root.id}`)).status).toBe(200)
    for (const method of ["GET", "DELETE"]) {
      expect((await alice.ask(method, `${machine}/snapshots/${stray.id}`)).status).toBe(404)
    }
    expect((await revert(stray.id)).status).toBe(404)
    const own = await take("own")
    expect(await current()).toEqual(["own"])
    await remove(own)
  })

  test("does not show what a revert kept for itself", async () => {
    const a = await take("a")
    await iaas.done(alice, await revert(a))
    const all = right(await house.core().snapshots.list(alice.who, { limit: 10, recovery: true }))
    expect(all).toHaveLength(1)
    expect((await rows()).map(({ name }) => name)).toEqual(["a"])
    const hidden = `${machine}/snapshots/${all[0]?.id}`
    expect((await alice.ask("GET", hidden)).status).toBe(404)
    expect((await revert(hidden)).status).toBe(404)
  })
})

test("a revert needs its version, and one that there is", async () => {
  const a = await take("a")
  for (const query of ["", "apiVersion=", "apiVersion=1999-01-01", "apiVersion=x"]) {
    expect((await revert(a, query)).status, query).toBe(400)
  }
  await iaas.done(alice, await revert(a, "apiVersion=2019-01-15"))
})

describe("beyond the limit", () => {
  const limited = async (onLimit: "fail" | "replace-oldest") => {
    const wire = await wireTo(iaasFace({ maxSnapshots: 2, onLimit }), house.core())
    const { token } = alice
    const names = async () => (await rows()).map(({ name }) => name)
    const ask = async (name: string) => {
      const path = `${machine}/operations/snapshots`
      const reply = await wire.ask(path, { method: "POST", body: { name }, token })
      return await iaas.ended(alice, reply)
    }
    const isOffered = async () => {
      const { json } = await wire.ask(machine, { method: "GET", token })
      return json._links.operations.hrefs.includes(`${machine}/operations/snapshots`)
    }
    return { wire, names, ask, isOffered }
  }

  test("one more is refused in a tracker that says so", async () => {
    const { wire, names, ask, isOffered } = await limited("fail")
    await ask("a")
    expect(await isOffered()).toBe(true)
    await ask("b")
    expect(await isOffered()).toBe(false)
    const failed = await ask("c")
    expect(failed).toMatchObject({ status: "FAILED", resources: [machine] })
    expect(failed.message).toContain("quota of 2 snapshots of one machine")
    expect(await names()).toEqual(["a", "b"])
    await wire.close()
  })

  test("or takes the place of the oldest", async () => {
    const { wire, names, ask, isOffered } = await limited("replace-oldest")
    for (const name of ["a", "b", "c"]) expect((await ask(name)).status).toBe("FINISHED")
    expect(await isOffered()).toBe(true)
    await house.stage.service.executor.idle()
    expect(await names()).toEqual(["b", "c"])
    await wire.close()
  })
})
