/** CloudAPI where things go wrong, are set otherwise, or are meant to go wrong. */
import { describe, expect, test } from "vitest"
import { Refusal } from "../../src/domain/fault.ts"
import { MiB } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { cloudapiForEachTest, type Tenant } from "../fixtures/cloudapi-house.ts"
import { newKey, signedHeaders } from "../fixtures/ssh-keys.ts"

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
        const what = "the switch of its disks"
        throw new Refusal({ kind: "unavailable", what, remedy: "they would not switch" })
      },
    })
    expect(await failed(mark, place)).toMatch(/would not switch/)
    const { code, message } = (await mark.ask(`${place}/one`, { method: "POST" })).json
    expect([code, message]).toEqual(["InvalidState", expect.stringMatching(/^snapshot one is /)])
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
    // What has no text at all: asking it for one throws.
    const textless = '{"toString":1,"valueOf":1}'
    expect((await mark.ask(`${place}/tags`, { method: "POST", body: { a: "1" } })).status).toBe(200)
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
      ["POST", place, `{"action":${textless}}`, 409],
      ["POST", place, `{"action":${deep}}`, 409],
      ["POST", place, `{"action":"resize","package":${textless}}`, 409],
      ["POST", `${place}/metadata`, `{"a":${deep}}`, 409],
      ["GET", "/my/machines?type=__proto__", undefined, 409],
      ["GET", "/my/machines?type=constructor", undefined, 409],
      ["GET", "/my/machines", `{"tag.a":${textless}}`, 200],
      ["GET", "/my/packages", `{"name":${textless}}`, 200],
      ["GET", "/my/images", `{"name":${textless}}`, 200],
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
    expect((await mark.ask(place)).json).toMatchObject({
      state: "running",
      tags: { a: "1" },
    })
  })
})

describe("set to trust no SHA-1", () => {
  const cloud = cloudapiForEachTest({ sha1Signatures: false })

  test("a signature with it is refused, in words that say why", async () => {
    const mark = await cloud.tenant("mark")
    const key = newKey("rsa")
    const { core } = cloud.house.stage.service
    right(await core.identity.addKey({ who: mark.who }, { publicKey: key.publicKey }))
    const signed = (algorithm: string) => {
      const signing = { keyId: `/mark/keys/${key.fingerprint}`, path: "/my", algorithm }
      return cloud.wire.ask("/my", { token: null, headers: signedHeaders(key, signing) })
    }
    const weak = await signed("rsa-sha1")
    expect([weak.status, weak.json.code]).toEqual([400, "InvalidHeader"])
    expect(weak.json.message).toContain("SHA-1")
    expect((await signed("rsa-sha256")).status).toBe(200)
  })
})
