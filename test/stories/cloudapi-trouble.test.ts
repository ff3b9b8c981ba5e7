/** CloudAPI where things go wrong, are set otherwise, or are meant to go wrong. */
import { describe, expect, test } from "vitest"
import { MiB } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { cloudapiForEachTest, type Tenant } from "../fixtures/cloudapi-house.ts"

const plenty = { totalBytes: 2 ** 40, freeBytes: 2 ** 40 }
let fileSystem = plenty

describe("a snapshot that cannot be taken", () => {
  const capacity = { lowWater: { bytes: 100 * MiB }, fileSystem: () => fileSystem }
  const cloud = cloudapiForEachTest({}, { capacity })

  async function scene() {
    fileSystem = plenty
    const mark = await cloud.tenant("mark")
    const machine = await cloud.machine(mark.who)
    return { mark, machine, place: `/my/machines/${machine}/snapshots` }
  }
  async function failed(mark: Tenant, place: string) {
    const made = await mark.ask(place, { method: "POST", body: { name: "one" } })
    expect(made.status).toBe(201)
    await cloud.quiet()
    const shown = (await mark.ask(`${place}/one`)).json
    expect(shown).toEqual({
      name: "one",
      state: "failed",
      created: made.json.created,
      updated: made.json.created,
    })
    expect((await mark.ask(place)).json).toEqual([shown])
    const { core } = cloud.house.stage.service
    const [view] = right(await core.snapshots.list(mark.who, { limit: 2 }))
    return view?.reason
  }

  test("for want of space is failed, and says why", async () => {
    const { mark, place } = await scene()
    fileSystem = { ...plenty, freeBytes: MiB }
    expect(await failed(mark, place)).toMatch(/not enough free space/)
    const [entry] = (await mark.ask(`${place.replace("/snapshots", "/audit")}`)).json
    expect(entry).toMatchObject({ action: "create_snapshot", success: "no" })
    expect((await mark.ask(`${place}/one`, { method: "DELETE" })).status).toBe(204)
    expect((await mark.ask(place)).json).toEqual([])
  })

  test("because the machine's disks would not switch, too", async () => {
    const { mark, machine, place } = await scene()
    Object.defineProperty(cloud.house.stage.host, "switchDisks", {
      value: async () => {
        throw new Error("the disks would not switch")
      },
    })
    expect(await failed(mark, place)).toMatch(/would not switch/)
    const { code } = (await mark.ask(`${place}/one`, { method: "POST" })).json
    expect(code).toBe("InvalidState")
    expect((await mark.ask(`/my/machines/${machine}`)).json.state).toBe("running")
  })
})

describe("set as the first documents have it", () => {
  const cloud = cloudapiForEachTest({ smartmachineOnly: true, readyWord: "success" })

  test("virtual machines have no snapshots made, and keep those that they have", async () => {
    const mark = await cloud.tenant("mark")
    const machine = await cloud.machine(mark.who)
    const place = `/my/machines/${machine}/snapshots`
    const reply = await mark.ask(place, { method: "POST", body: { name: "one" } })
    expect([reply.status, reply.json]).toEqual([
      409,
      { code: "InvalidArgument", message: "Snapshots of bhyve VMs are not allowed" },
    ])
    const { core } = cloud.house.stage.service
    const source = { kind: "machine", id: machine } as const
    right(await core.snapshots.create({ who: mark.who }, { name: "native", source }))
    await cloud.quiet()
    expect((await mark.ask(`${place}/native`)).json).toMatchObject({ state: "success" })
    expect((await mark.ask(`${place}/native`, { method: "POST" })).status).toBe(202)
    await cloud.quiet()
    expect((await mark.ask(`${place}/native`, { method: "DELETE" })).status).toBe(204)
    const absent = "01930000-0000-7000-8000-000000000001"
    const none = await mark.ask(`/my/machines/${absent}/snapshots`, { method: "POST" })
    expect(none.status).toBe(404)
  })
})

describe("hostile input", () => {
  const cloud = cloudapiForEachTest()

  test("is refused in words, leaves no stack behind, and changes nothing", async () => {
    const mark = await cloud.tenant("mark")
    const machine = await cloud.machine(mark.who)
    const place = `/my/machines/${machine}`
    const deep = `${"[".repeat(40_000)}${"]".repeat(40_000)}`
    const tries: [string, string, string | undefined, number][] = [
      ["POST", `${place}/snapshots`, '{"name":{"toString":1}}', 409],
      ["POST", `${place}/snapshots`, '{"name":["a"]}', 409],
      ["POST", `${place}/snapshots`, '{"name":5}', 409],
      ["POST", `${place}/snapshots`, `{"name":"a\\u0000b"}`, 409],
      ["POST", `${place}/snapshots`, `{"name":"\\ud800"}`, 409],
      ["POST", `${place}/snapshots`, `{"name":${deep}}`, 409],
      ["POST", `${place}/snapshots`, "[]", 400],
      ["POST", `${place}/snapshots`, "\u0000", 400],
      ["POST", `${place}/snapshots?name=a&name=b`, undefined, 409],
      ["POST", place, '{"action":{"a":1}}', 409],
      ["POST", place, '{"action":"__proto__"}', 409],
      ["POST", "/my/machines", '{"__proto__":{"package":"sample-1G"},"image":"x"}', 409],
      ["POST", "/my/keys", '{"key":5}', 409],
      ["POST", `${place}/tags`, '{"a":{"b":1}}', 409],
      ["POST", `${place}/snapshots/${"x".repeat(5000)}`, undefined, 404],
      ["GET", `${place}/snapshots/${encodeURIComponent("../../etc/passwd")}`, undefined, 404],
      ["GET", `${place}/snapshots/%00`, undefined, 404],
      ["GET", `${place}/snapshots/%zz`, undefined, 400],
      ["GET", "/my/machines?limit=1e9", undefined, 409],
      ["GET", `/my/packages?name=${"*a".repeat(2000)}`, undefined, 200],
    ]
    for (const [method, path, body, status] of tries) {
      const more = body === undefined ? {} : { body }
      const reply = await mark.ask(path, { method, ...more })
      const shown = `${method} ${path} ${body ?? ""}`.slice(0, 120)
      expect([shown, reply.status]).toEqual([shown, status])
      expect(reply.bytes.toString()).not.toMatch(/\.ts:|node_modules|at async/)
      if (status >= 400) expect(typeof reply.json.code).toBe("string")
    }
    await cloud.quiet()
    expect((await mark.ask(`${place}/snapshots`)).json).toEqual([])
    expect((await mark.ask(place)).json).toMatchObject({ state: "running", tags: {} })
  })
})
