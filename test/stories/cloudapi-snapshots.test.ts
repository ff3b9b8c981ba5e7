/** Snapshots through the CloudAPI face, on a real service over fakes: every rule of its own. */
import { createHash } from "node:crypto"
import { describe, expect, test } from "vitest"
import { done, MiB } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { cloudapiForEachTest, type Tenant } from "../fixtures/cloudapi-house.ts"

const cloud = cloudapiForEachTest()
const core = () => cloud.house.core()
const { house } = cloud

async function marks() {
  const mark = await cloud.tenant("mark")
  const machine = await cloud.machine(mark.who)
  return { mark, machine, place: `/my/machines/${machine}/snapshots` }
}

/** Asks until the state is one of these. */
async function until(tenant: Tenant, path: string, ...states: string[]) {
  for (;;) {
    const reply = await tenant.ask(path)
    if (reply.status !== 200 || states.includes(reply.json.state)) return reply
    await cloud.quiet()
  }
}

async function taken(tenant: Tenant, place: string, name: string) {
  const made = await tenant.ask(place, { method: "POST", body: { name } })
  expect([made.status, made.json.name]).toEqual([201, name])
  const there = await until(tenant, `${place}/${encodeURIComponent(name)}`, "created", "failed")
  expect(there.json).toMatchObject({ name, state: "created" })
  return there.json
}

test("the first documents' own request gets their answer", async () => {
  const { mark, place } = await marks()
  const reply = await mark.ask(place, {
    method: "POST",
    headers: {
      accept: "application/json",
      "content-type": "application/x-www-form-urlencoded",
      "api-version": "~7.0",
      connection: "close",
    },
    body: "name=just-booted",
  })
  expect(reply.status).toBe(201)
  expect(reply.json).toEqual({
    name: "just-booted",
    state: "queued",
    created: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00$/),
    updated: reply.json.created,
  })
  const digest = createHash("md5").update(reply.bytes).digest("base64")
  expect(reply.headers).toMatchObject({
    location: `/mark/machines/${place.split("/")[3]}/snapshots/just-booted`,
    "access-control-allow-origin": "*",
    "access-control-allow-methods": "GET, POST",
    connection: "close",
    "x-api-version": "7.0.0",
    "api-version": "7.0.0",
    date: expect.stringMatching(/GMT$/),
    server: expect.stringMatching(/^cloudapi\/\d+\.\d+\.\d+$/),
    "content-type": "application/json",
    "content-md5": digest,
    "content-length": `${reply.bytes.length}`,
  })
  for (const name of ["request-id", "response-time"]) {
    expect(reply.headers[name]).toBe(reply.headers[`x-${name}`])
    expect(reply.headers[name]).toBeTruthy()
  }
  expect(Number(reply.headers["response-time"])).toBeGreaterThanOrEqual(0)
  const there = await until(mark, `${place}/just-booted`, "created")
  expect(there.json).toMatchObject({ state: "created" })
})

test("Go's older library is understood: what has no body is said to be octets, wanted and sent", async () => {
  const { mark, machine, place } = await marks()
  const octets = {
    accept: "application/octet-stream",
    "content-type": "application/octet-stream",
    "x-api-version": "~7.3",
  }
  const said = (path: string, method: string) =>
    mark.ask(path, { method, headers: octets, as: { form: "old" } })
  await taken(mark, place, "go")
  expect((await said(`${place}/go`, "POST")).status).toBe(202)
  await until(mark, `/my/machines/${machine}`, "running")
  expect((await said(`${place}/go`, "DELETE")).status).toBe(204)
  expect((await said(`${place}/go`, "DELETE")).json.code).toBe("ResourceNotFound")
  expect((await said(`/my/machines/${machine}?action=stop`, "POST")).status).toBe(202)
})

describe("a snapshot", () => {
  test("goes from queued to created, has a true size, and goes", async () => {
    const { mark, place } = await marks()
    const made = await mark.ask(place, { method: "POST", body: { name: "one" } })
    expect(made.json).toEqual({
      name: "one",
      state: "queued",
      created: expect.stringMatching(/^\d{4}-.*\.\d{3}Z$/),
      updated: made.json.created,
    })
    const one = await until(mark, `${place}/one`, "created")
    expect(Object.keys(one.json).sort()).toEqual(["created", "name", "size", "state", "updated"])
    const [view] = right(await core().snapshots.list(mark.who, { name: "one", limit: 1 }))
    expect(one.json.size).toBeGreaterThan(0)
    expect(one.json.size).toBe(Math.max(view?.bytes.exclusive ?? 0, 4096) / MiB)
    expect((await mark.ask(place)).json).toEqual([one.json])
    const gone = await mark.ask(`${place}/one`, { method: "DELETE" })
    expect([gone.status, gone.bytes.length]).toEqual([204, 0])
    expect((await mark.ask(`${place}/one`)).json).toEqual({
      code: "ResourceNotFound",
      message: "Snapshot does not exist",
    })
    expect((await mark.ask(place)).json).toEqual([])
    const again = await mark.ask(`${place}/one`, { method: "DELETE" })
    expect([again.status, again.json]).toEqual([
      404,
      { code: "ResourceNotFound", message: "one not found" },
    ])
  })

  test("is named by the path, whatever else the request repeats", async () => {
    const { mark, machine, place } = await marks()
    await taken(mark, place, "one")
    await taken(mark, place, "two")
    const junk = `?id=${machine}&name=two`
    expect((await mark.ask(`${place}/one${junk}`)).json.name).toBe("one")
    const body = { id: "nobody", name: "two", action: "stop" }
    const back = await mark.ask(`${place}/one`, { method: "POST", body })
    expect([back.status, back.bytes.length]).toEqual([202, 0])
    await cloud.quiet()
    expect((await mark.ask(`/my/machines/${machine}`)).json.state).toBe("running")
  })

  test.each(["a b", "a/b", "a@b", "x".repeat(65), "é"])("is not called %j", async (name) => {
    const { mark, place } = await marks()
    const reply = await mark.ask(place, { method: "POST", body: { name } })
    expect([reply.status, reply.json.code]).toEqual([409, "InvalidArgument"])
    const [wrong] = reply.json.errors
    expect(wrong.field).toBe("name")
    expect(reply.json.message).toBe(`name: ${wrong.message}`)
    expect((await mark.ask(place)).json).toEqual([])
  })

  test("is the only one of its name; the old one stays as it is", async () => {
    const { mark, place } = await marks()
    const first = await taken(mark, place, "same")
    const second = await mark.ask(place, { method: "POST", body: { name: "same" } })
    expect([second.status, second.json.code]).toEqual([409, "InvalidArgument"])
    expect((await mark.ask(place)).json).toEqual([first])
  })

  test("without a name gets one of its own, however many are asked for at once", async () => {
    const { mark, place } = await marks()
    const asked = ["{}", "", "name=", undefined, "{}"].map((body) =>
      mark.ask(place, {
        method: "POST",
        ...(body === undefined ? {} : { body }),
        headers: body?.startsWith("name=")
          ? { "content-type": "application/x-www-form-urlencoded" }
          : {},
      }),
    )
    const replies = await Promise.all(asked)
    expect(replies.map(({ status }) => status)).toEqual([201, 201, 201, 201, 201])
    const names = replies.map(({ json }) => json.name)
    expect(new Set(names).size).toBe(5)
    for (const name of names) expect(name).toMatch(/^\d{8}T\d{6}Z(-\d+)?$/)
    await cloud.quiet()
    const states = (await mark.ask(place)).json.map(({ state }: { state: string }) => state)
    expect(states).toEqual(["created", "created", "created", "created", "created"])
  })

  test("on its way is queued until it is there, and nothing else", async () => {
    const { mark, place } = await marks()
    await mark.ask(place, { method: "POST", body: { name: "one" } })
    const seen = new Set<string>()
    for (let state = "queued"; state !== "created"; ) {
      state = (await mark.ask(`${place}/one`)).json.state
      seen.add(state)
    }
    expect([...seen].filter((state) => state !== "queued")).toEqual(["created"])
  })

  test("several asked for at once are queued, and all are taken", async () => {
    const { mark, place } = await marks()
    const names = ["a", "b", "c", "d"]
    const made = await Promise.all(
      names.map((name) => mark.ask(place, { method: "POST", body: { name } })),
    )
    expect(made.map(({ status }) => status)).toEqual([201, 201, 201, 201])
    for (const name of names) {
      expect((await until(mark, `${place}/${name}`, "created", "failed")).json.state).toBe(
        "created",
      )
    }
  })
})

describe("what went wrong is told by the snapshot", () => {
  test("one over its limit is failed, with the reason in the native words", async () => {
    const { mark, place } = await marks()
    const admin = { who: house.stage.who }
    right(await core().identity.setQuota(admin, "mark", { snapshots: 1 }))
    await taken(mark, place, "fits")
    const over = await mark.ask(place, { method: "POST", body: { name: "over" } })
    expect(over.status).toBe(201)
    const failed = await until(mark, `${place}/over`, "failed", "created")
    expect(failed.json).toMatchObject({ name: "over", state: "failed" })
    expect(failed.json).not.toHaveProperty("size")
    const [view] = right(await core().snapshots.list(mark.who, { name: "over", limit: 1 }))
    expect(view?.reason).toMatch(/quota/)
    expect((await mark.ask(place)).json).toHaveLength(2)
  })

  test("a name that failed may be tried again, and is then the new one's", async () => {
    const { mark, place } = await marks()
    const admin = { who: house.stage.who }
    right(await core().identity.setQuota(admin, "mark", { snapshots: 0 }))
    await mark.ask(place, { method: "POST", body: { name: "again" } })
    await until(mark, `${place}/again`, "failed")
    right(await core().identity.setQuota(admin, "mark", null))
    await taken(mark, place, "again")
    const listed = (await mark.ask(place)).json as { name: string; state: string }[]
    expect(listed.map(({ state }) => state)).toEqual(["created", "failed"])
    expect(listed[1]?.name).toMatch(/^again-[0-9a-f]{8}/)
  })
})

describe("starting from a snapshot", () => {
  test("ends running, is not running before, and newer snapshots survive", async () => {
    const { mark, machine, place } = await marks()
    const { making, host } = house.stage
    await making.poke(host, machine, 0, "old-text")
    await taken(mark, place, "before")
    await making.poke(host, machine, 0, "new-text")
    await taken(mark, place, "after")
    const back = await mark.ask(`${place}/before`, { method: "POST" })
    expect([back.status, back.bytes.length]).toEqual([202, 0])
    expect((await mark.ask(`/my/machines/${machine}`)).json.state).toBe("stopping")
    expect((await mark.ask("/my/machines")).json[0].state).toBe("stopping")
    await until(mark, `/my/machines/${machine}`, "running")
    expect(await making.peek(host, machine, 0)).toBe("old-text")
    const names = (await mark.ask(place)).json.map(({ name }: { name: string }) => name)
    expect(names).toEqual(["after", "before"])
    await mark.ask(`${place}/after`, { method: "POST" })
    await until(mark, `/my/machines/${machine}`, "running")
    expect(await making.peek(host, machine, 0)).toBe("new-text")
  })

  test("is not running either while it waits behind other work", async () => {
    const { mark, machine, place } = await marks()
    await taken(mark, place, "before")
    const asked = ["x", "y", "z"].map((name) => mark.ask(place, { method: "POST", body: { name } }))
    const back = mark.ask(`${place}/before`, { method: "POST" })
    await Promise.all(asked)
    expect((await back).status).toBe(202)
    const { json } = await mark.ask(`/my/machines/${machine}`)
    expect(["stopping", "running"]).toContain(json.state)
    const operations = right(
      await core().operations.list(mark.who, { subjectId: machine, limit: 100 }),
    )
    const reverted = operations.find(({ kind }) => kind === "machine-revert")
    if (json.state === "running") expect(reverted?.state).toBe("done")
    await until(mark, `/my/machines/${machine}`, "running")
  })

  test("a machine that is off ends running, too", async () => {
    const { mark, machine, place } = await marks()
    await taken(mark, place, "before")
    const body = { action: "stop" }
    expect((await mark.ask(`/my/machines/${machine}`, { method: "POST", body })).status).toBe(202)
    await until(mark, `/my/machines/${machine}`, "stopped")
    expect((await mark.ask(`${place}/before`, { method: "POST" })).status).toBe(202)
    expect((await mark.ask(`/my/machines/${machine}`)).json.state).toBe("stopping")
    expect((await until(mark, `/my/machines/${machine}`, "running")).json.state).toBe("running")
  })

  test("an unknown name is not there, and changes nothing", async () => {
    const { mark, machine, place } = await marks()
    const back = await mark.ask(`${place}/never`, { method: "POST", body: {} })
    expect([back.status, back.json.code]).toEqual([404, "ResourceNotFound"])
    expect((await mark.ask(`/my/machines/${machine}`)).json.state).toBe("running")
  })
})

describe("one lineage", () => {
  test("what others made shows here, under names that this API can say", async () => {
    const { mark, machine, place } = await marks()
    const { who } = mark
    const { rootVolumeId } = right(await core().machines.get(who, machine))
    const take = (name: string, source: { kind: "machine" | "volume"; id: string }) =>
      done(house.stage, core().snapshots.create({ who }, { name, source: source as never }))
    const odd = await take("before the upgrade", { kind: "machine", id: machine })
    const plain = await take("nightly", { kind: "volume", id: rootVolumeId })
    const twin = await take("nightly", { kind: "machine", id: machine })
    const extra = await house.volumeOf(who, "extra")
    await house.snapshotOf(who, extra.id, "of-something-else")
    const listed = (await mark.ask(place)).json as { name: string }[]
    const dressed = `before_the_upgrade-${odd.id.replaceAll("-", "").slice(0, 8)}`
    const other = `nightly-${twin.id.replaceAll("-", "").slice(0, 8)}`
    expect(listed.map(({ name }) => name)).toEqual([other, "nightly", dressed])
    for (const { name } of listed) {
      expect((await mark.ask(`${place}/${name}`)).json.name).toBe(name)
    }
    const same = await mark.ask(place, { method: "POST", body: { name: dressed } })
    expect(same.status).toBe(409)
    const gone = await mark.ask(`${place}/nightly`, { method: "DELETE" })
    expect(gone.status).toBe(204)
    expect((await core().snapshots.get(who, plain.id)).ok).toBe(false)
    expect((await core().snapshots.get(who, twin.id)).ok).toBe(true)
    // The other is plain now; what it was called before is known still.
    for (const name of ["nightly", other]) {
      expect((await mark.ask(`${place}/${name}`)).json.name).toBe(name)
    }
    const again = await mark.ask(place, { method: "POST", body: { name: other } })
    expect(again.status).toBe(409)
    expect((await mark.ask(`${place}/${other}`, { method: "DELETE" })).status).toBe(204)
    expect((await core().snapshots.get(who, twin.id)).ok).toBe(false)
    expect((await mark.ask(`${place}/${other}`)).status).toBe(404)
  })

  test("a snapshot of the root volume alone can be started from", async () => {
    const { mark, machine, place } = await marks()
    const { who } = mark
    const { making, host } = house.stage
    await making.poke(host, machine, 0, "old-text")
    const { rootVolumeId } = right(await core().machines.get(who, machine))
    const source = { kind: "volume", id: rootVolumeId } as const
    await done(house.stage, core().snapshots.create({ who }, { name: "disk", source }))
    await making.poke(host, machine, 0, "new-text")
    expect((await mark.ask(`${place}/disk`, { method: "POST" })).status).toBe(202)
    await until(mark, `/my/machines/${machine}`, "running")
    expect(await making.peek(host, machine, 0)).toBe("old-text")
  })

  test("what was made here shows elsewhere, and what a revert kept does not show here", async () => {
    const { mark, machine, place } = await marks()
    await taken(mark, place, "here")
    await mark.ask(`${place}/here`, { method: "POST" })
    await until(mark, `/my/machines/${machine}`, "running")
    const all = right(await core().snapshots.list(mark.who, { limit: 10 }))
    expect(all.map(({ name, recovery }) => [name === "here", recovery])).toEqual([
      [true, false],
      [false, true],
    ])
    expect((await mark.ask(place)).json).toHaveLength(1)
  })

  test("one that lost its part of the root volume is no snapshot of the machine any more", async () => {
    const { mark, machine, place } = await marks()
    const { who } = mark
    const extra = await house.volumeOf(who, "extra")
    await done(house.stage, core().machines.attach({ who }, machine, extra.id))
    await taken(mark, place, "both")
    const [view] = right(await core().snapshots.list(who, { name: "both", limit: 1 }))
    expect(view?.points).toHaveLength(2)
    for (const { id, role } of view?.points ?? []) {
      if (role === "root") await done(house.stage, core().snapshots.removePoint({ who }, id))
    }
    expect((await mark.ask(place)).json).toEqual([])
    expect((await mark.ask(`${place}/both`)).status).toBe(404)
    expect((await core().snapshots.get(who, view?.id ?? ("" as never))).ok).toBe(true)
  })

  test("a machine goes with its snapshots", async () => {
    const { mark, machine, place } = await marks()
    await taken(mark, place, "one")
    const gone = await mark.ask(`/my/machines/${machine}`, { method: "DELETE" })
    expect([gone.status, gone.bytes.length]).toEqual([204, 0])
    expect((await mark.ask(place)).json).toEqual({
      code: "ResourceNotFound",
      message: "VM not found",
    })
    const was = await until(mark, `/my/machines/${machine}`, "deleted")
    expect([was.status, was.json.state, was.json.id]).toEqual([410, "deleted", machine])
    const again = await mark.ask(`/my/machines/${machine}`, { method: "DELETE" })
    expect(again.status).toBe(410)
    expect(right(await core().snapshots.list(mark.who, { limit: 10 }))).toEqual([])
  })
})

test("an answer is of the version that was asked for", async () => {
  const { mark, place } = await marks()
  await taken(mark, place, "one")
  const asked = (version: string) =>
    mark.ask(`${place}/one`, { headers: { "accept-version": version } })
  expect((await asked("~6.5")).json.state).toBe("success")
  expect((await asked("~6.5")).headers["api-version"]).toBe("6.5.0")
  expect((await asked("~7.2")).json.state).toBe("created")
  expect((await asked("8")).headers["api-version"]).toBe("8.0.0")
  const none = await asked("~5")
  expect([none.status, none.json]).toEqual([
    400,
    { code: "InvalidVersion", message: `~5 is not supported by GET ${place}/one` },
  ])
})

test("a form in parts is a form, too; files and broken ones are not", async () => {
  const { mark, place } = await marks()
  const part = (head: string, text: string) =>
    `--xyz\r\nContent-Disposition: form-data; ${head}\r\n\r\n${text}\r\n`
  const send = (body: string, type = "multipart/form-data; boundary=xyz") =>
    mark.ask(place, { method: "POST", body, headers: { "content-type": type } })
  const good = await send(`${part('name="name"', "in-parts")}--xyz--\r\n`)
  expect([good.status, good.json.name]).toEqual([201, "in-parts"])
  const file = await send(`${part('name="name"; filename="f"', "x")}--xyz--\r\n`)
  expect([file.status, file.json.code]).toEqual([400, "BadRequest"])
  const broken = await send(part('name="name"', "x"))
  expect([broken.status, broken.json.code]).toEqual([400, "BadRequest"])
  const xml = await send("<name/>", "text/xml")
  expect([xml.status, xml.json.code]).toEqual([415, "UnsupportedMediaType"])
  const bad = await send("{", "application/json")
  expect([bad.status, bad.json.code]).toEqual([400, "BadRequest"])
  const long = await send(JSON.stringify({ name: "x".repeat(100_000) }), "application/json")
  expect([long.status, long.json.code]).toEqual([413, "RequestEntityTooLarge"])
  const query = await mark.ask(`${place}?name=from-the-query`, { method: "POST" })
  expect(query.json.name).toBe("from-the-query")
})
