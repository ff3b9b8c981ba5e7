/** Everything around snapshots that the clients of CloudAPI ask for, on a service over fakes. */
import { createHash } from "node:crypto"
import { describe, expect, test } from "vitest"
import { right } from "../crash/world.ts"
import { cloudapiForEachTest, newKeyLine, type Tenant } from "../fixtures/cloudapi-house.ts"

const cloud = cloudapiForEachTest()
const core = () => cloud.house.core()

async function until(tenant: Tenant, path: string, state: string) {
  for (;;) {
    const reply = await tenant.ask(path)
    if (reply.json.state === state) return reply
    await cloud.quiet()
  }
}

async function marks() {
  const mark = await cloud.tenant("mark")
  const { stage } = cloud.house
  const image = await stage.making.makeImage(stage.service, mark.who)
  return { mark, image }
}

async function created(mark: Tenant, body: object) {
  const made = await mark.ask("/my/machines", { method: "POST", body })
  expect([made.status, made.json.state]).toEqual([201, "provisioning"])
  const place = `/my/machines/${made.json.id}`
  expect(made.headers.location).toBe(`/mark/machines/${made.json.id}`)
  await until(mark, place, "running")
  return { place, id: made.json.id as string }
}

const act = (mark: Tenant, place: string, action: string, more: object = {}) =>
  mark.ask(place, { method: "POST", body: { action, ...more } })

test("ping answers everybody, in every known version", async () => {
  const pong = await cloud.wire.ask("/--ping", { token: null })
  expect([pong.status, pong.json]).toEqual([
    200,
    {
      ping: "pong",
      cloudapi: { versions: ["7.0.0", "7.1.0", "7.2.0", "7.3.0", "8.0.0", "9.0.0"] },
    },
  ])
  const old = await cloud.wire.ask("/--ping", { token: null, headers: { "x-api-version": "~2" } })
  expect([old.status, old.json.code]).toEqual([400, "InvalidVersion"])
})

describe("making a machine", () => {
  test("takes an image, a package, tags and metadata, and it runs", async () => {
    const { mark, image } = await marks()
    const { place, id } = await created(mark, {
      name: "web",
      image,
      package: "sample-512M",
      "tag.role": "db",
      "tag.primary": true,
      "metadata.user-script": "#!/bin/sh",
      deletion_protection: true,
    })
    expect((await mark.ask(place)).json).toEqual({
      id,
      name: "web",
      type: "virtualmachine",
      brand: "bhyve",
      state: "running",
      image,
      ips: [],
      memory: 512,
      disk: 2048,
      deletion_protection: true,
      metadata: { "user-script": "#!/bin/sh" },
      tags: { role: "db", primary: true },
      created: expect.stringMatching(/Z$/),
      updated: expect.stringMatching(/Z$/),
      networks: [],
      nics: [],
      firewall_enabled: false,
      compute_node: expect.any(String),
      package: "sample-512M",
      flexible: false,
      disks: [{ id: expect.any(String), size: 2048, block_size: 65_536, boot: true, image }],
    })
  })

  test("needs no name: the beginning of its id is one, as much of it as nothing else is called", async () => {
    const { mark, image } = await marks()
    const make = async (more: object = {}) => {
      const body = { image, package: "2f9d1a56-5a1b-4e0e-8f55-1d9a00000256", ...more }
      return (await mark.ask("/my/machines", { method: "POST", body })).json
    }
    const one = await make()
    expect(one.name).toBe(one.id.slice(0, 8))
    const named = await make({ name: "web-{{shortId}}" })
    expect(named.name).toBe(`web-${named.id.slice(0, 8)}`)
    // Whatever the clock did meanwhile: the next id might begin with other digits.
    await mark.ask(`/my/machines/${named.id}`, {
      method: "POST",
      body: { action: "rename", name: one.name },
    })
    const next = await make()
    const taken = next.id.slice(0, 8) === one.name
    expect(next.name).toBe(next.id.slice(0, taken ? 13 : 8))
    await cloud.quiet()
  })

  test("is to be had with what triton-go and the newest clients send along", async () => {
    const { mark, image } = await marks()
    const { place } = await created(mark, {
      image,
      package: "sample-256M",
      firewall_enabled: false,
      locality: { strict: false },
      affinity: ["role!=~db"],
      tags: { role: "web" },
      metadata: { "user-data": "x" },
      "tag.more": "1",
    })
    expect((await mark.ask(place)).json).toMatchObject({
      tags: { role: "web", more: "1" },
      metadata: { "user-data": "x" },
    })
  })

  test.each<[object, string, RegExp]>([
    [{ package: "sample-1G" }, "MissingParameter", /^image must be specified/],
    [{ image: "IMAGE" }, "MissingParameter", /^package must be specified/],
    [{ image: "x", package: "sample-1G" }, "InvalidArgument", /^x is not a valid image/],
    [{ image: "IMAGE", package: "huge" }, "InvalidArgument", /^huge is not a valid package/],
    [{ image: "IMAGE", package: "sample-1G", brand: "kvm" }, "InvalidArgument", /bhyve/],
    [{ image: "IMAGE", package: "sample-1G", networks: ["a"] }, "InvalidArgument", /networks/],
    [{ image: "IMAGE", package: "sample-1G", firewall_enabled: true }, "InvalidArgument", /fire/],
    [{ image: "IMAGE", package: "sample-1G", affinity: ["a!=b"] }, "InvalidArgument", /affinity/],
    [
      { image: "IMAGE", package: "sample-1G", locality: { strict: true, far: ["a"] } },
      "InvalidArgument",
      /locality/,
    ],
    [{ image: "IMAGE", package: "sample-1G", "tag.a": { b: 1 } }, "InvalidArgument", /tag\.a/],
  ])("%j is refused", async (wish, code, message) => {
    const { mark, image } = await marks()
    const body = JSON.parse(JSON.stringify(wish).replace("IMAGE", image))
    const reply = await mark.ask("/my/machines", { method: "POST", body })
    expect([reply.status, reply.json.code]).toEqual([409, code])
    expect(reply.json.message).toMatch(message)
    expect((await mark.ask("/my/machines")).json).toEqual([])
  })
})

describe("a machine", () => {
  test("is stopped, started and rebooted, and its trail tells who did it", async () => {
    const { mark, image } = await marks()
    const { place } = await created(mark, { image, package: "sample-256M" })
    const stopped = await mark.ask(`${place}?action=stop`, { method: "POST", body: {} })
    expect([stopped.status, stopped.bytes.length]).toEqual([202, 0])
    await until(mark, place, "stopped")
    await act(mark, place, "start")
    expect((await mark.ask(place)).json.state).not.toBe("stopped")
    await until(mark, place, "running")
    const rebooted = await act(mark, place, "reboot")
    await until(mark, place, "running")
    const audit = (await mark.ask(`${place}/audit`)).json
    const actions = audit.map(({ action }: { action: string }) => action)
    expect(actions).toEqual(["reboot", "start", "stop", "provision"])
    expect(audit[0]).toMatchObject({
      success: "yes",
      caller: {
        type: "signature",
        ip: expect.any(String),
        keyId: `/mark/keys/${mark.key.fingerprint}`,
      },
    })
    // Who waits for it takes an entry that is later than this, and nothing else.
    const said = Date.parse(rebooted.headers.date ?? "")
    expect(Date.parse(audit[0].time)).toBeGreaterThan(said)
  })

  test("has a trail of what was changed at once, too", async () => {
    const { mark, image } = await marks()
    const { place } = await created(mark, { name: "a", image, package: "sample-256M" })
    await act(mark, place, "rename", { name: "b" })
    await mark.ask(`${place}/metadata`, { method: "POST", body: { purpose: "none" } })
    await mark.ask(`${place}/tags`, { method: "POST", body: { role: "web" } })
    const audit = (await mark.ask(`${place}/audit`)).json
    const actions = audit.map(({ action }: { action: string }) => action)
    expect(actions.sort()).toEqual(["provision", "rename", "set_metadata", "set_tags"])
  })

  test("is renamed, protected and resized", async () => {
    const { mark, image } = await marks()
    const { place } = await created(mark, { name: "a", image, package: "sample-256M" })
    expect((await act(mark, place, "rename", { name: "b" })).status).toBe(202)
    expect((await mark.ask(place)).json.name).toBe("b")
    expect((await act(mark, place, "rename")).json.code).toBe("MissingParameter")
    const long = await act(mark, place, "rename", { name: "x".repeat(190) })
    expect([long.status, long.json.code]).toEqual([409, "InvalidArgument"])
    expect((await act(mark, place, "enable_deletion_protection")).status).toBe(202)
    const kept = await mark.ask(place, { method: "DELETE" })
    expect([kept.status, kept.json.code]).toEqual([409, "CannotDestroyMachineError"])
    expect((await act(mark, place, "disable_deletion_protection")).status).toBe(202)
    const running = await act(mark, place, "resize", { package: "sample-1G" })
    expect([running.status, running.json.code]).toEqual([409, "InvalidState"])
    await act(mark, place, "stop")
    await until(mark, place, "stopped")
    expect((await act(mark, place, "resize", { package: "sample-1G" })).status).toBe(202)
    await until(mark, place, "stopped")
    expect((await mark.ask(place)).json).toMatchObject({ memory: 1024, package: "sample-1G" })
    expect((await act(mark, place, "resize")).json.code).toBe("MissingParameter")
    expect((await act(mark, place, "resize", { package: "x" })).json.code).toBe("InvalidArgument")
  })

  test("does only what it can do", async () => {
    const { mark, image } = await marks()
    const { place } = await created(mark, { image, package: "sample-256M" })
    expect((await mark.ask(place, { method: "POST" })).json).toMatchObject({
      code: "MissingParameter",
      message: "action is required",
    })
    for (const action of ["fly", "constructor", "enable_firewall"]) {
      expect((await act(mark, place, action)).json.code).toBe("InvalidArgument")
    }
    expect((await act(mark, place, "disable_firewall")).status).toBe(202)
  })

  test("is gone for good once deleted, and shown as it was", async () => {
    const { mark, image } = await marks()
    const { place } = await created(mark, { name: "web", image, package: "sample-256M" })
    expect((await mark.ask(place, { method: "DELETE" })).status).toBe(204)
    await cloud.quiet()
    const was = await mark.ask(place)
    expect([was.status, was.json.state, was.json.name]).toEqual([410, "deleted", "web"])
    expect((await mark.ask(place, { method: "DELETE" })).status).toBe(410)
    expect((await act(mark, place, "start")).status).toBe(410)
    expect((await mark.ask("/my/machines")).json).toEqual([])
    const [last] = (await mark.ask(`${place}/audit`)).json
    expect(last).toMatchObject({ action: "destroy", success: "yes" })
    const never = await mark.ask("/my/machines/01930000-0000-7000-8000-000000000001")
    expect([never.status, never.json]).toEqual([
      404,
      { code: "ResourceNotFound", message: "VM not found" },
    ])
    expect((await mark.ask("/my/machines/web")).status).toBe(404)
  })

  test("has tags and metadata", async () => {
    const { mark, image } = await marks()
    const { place } = await created(mark, { image, package: "sample-256M", "tag.a": "1" })
    const send = (method: string, path: string, body?: object) =>
      mark.ask(`${place}${path}`, { method, ...(body === undefined ? {} : { body }) })
    expect((await send("POST", "/tags", { b: 2, c: true })).json).toEqual({ a: "1", b: 2, c: true })
    expect((await send("GET", "/tags/b")).json).toBe(2)
    expect((await send("GET", "/tags/z")).status).toBe(404)
    const headers = { accept: "text/plain" }
    for (const [tag, text] of Object.entries({ a: "1", b: "2", c: "true" })) {
      const plain = await mark.ask(`${place}/tags/${tag}`, { headers })
      expect([plain.bytes.toString(), plain.headers["content-type"]]).toEqual([
        text,
        "text/plain; charset=utf-8",
      ])
    }
    expect((await send("GET", "/tags/constructor")).status).toBe(404)
    expect((await send("DELETE", "/tags/b")).status).toBe(204)
    expect((await send("GET", "/tags")).json).toEqual({ a: "1", c: true })
    expect((await send("PUT", "/tags", { only: "this" })).json).toEqual({ only: "this" })
    expect((await send("DELETE", "/tags")).status).toBe(204)
    expect((await send("GET", "/tags")).json).toEqual({})
    expect((await send("POST", "/tags", { a: [] })).json.code).toBe("InvalidArgument")
    expect((await send("POST", "/metadata", { k: "v", n: 5 })).json).toEqual({ k: "v", n: "5" })
    expect((await send("GET", "/metadata/k")).json).toBe("v")
    expect((await send("DELETE", "/metadata/k")).status).toBe(204)
    expect((await send("GET", "/metadata")).json).toEqual({ n: "5" })
    const named = await send("POST", "/tags", { name: "n", id: "i", action: "a" })
    expect(named.json).toEqual({ name: "n", id: "i", action: "a" })
  })

  test("keeps the tags that several write at once", async () => {
    const mark = await cloud.tenant("mark")
    const path = `/my/machines/${await cloud.machine(mark.who)}/tags`
    const tags = Object.fromEntries(Array.from({ length: 12 }, (_, nth) => [`k${nth}`, nth]))
    const put = (tag: [string, number]) =>
      mark.ask(path, { method: "POST", body: Object.fromEntries([tag]) })
    await Promise.all(Object.entries(tags).map(put))
    expect((await mark.ask(path)).json).toEqual(tags)
  })

  test("has no tags of what a request says of its signer", async () => {
    const mark = await cloud.tenant("mark")
    const path = `/my/machines/${await cloud.machine(mark.who)}/tags`
    const query = "as-role=member&algorithm=a&expires=1&keyId=k&signature=s&method=POST&a=1"
    const written = await mark.ask(`${path}?${query}`, { method: "POST", body: { b: "2" } })
    expect(written.json).toEqual({ a: "1", b: "2" })
    const form = { "content-type": "application/x-www-form-urlencoded" }
    const sent = { method: "PUT", headers: form, body: "__proto__=p&c=3" }
    expect((await mark.ask(path, sent)).bytes.toString()).toBe('{"__proto__":"p","c":"3"}')
    const alone = await mark.ask(`${path}?method=x`, { method: "PUT", body: { signature: "s" } })
    expect(alone.json).toEqual({ method: "x", signature: "s" })
  })
})

describe("the list of machines", () => {
  async function three() {
    const { mark, image } = await marks()
    const made = [
      await created(mark, { name: "a", image, package: "sample-256M", "tag.role": "db" }),
      await created(mark, { name: "b", image, package: "sample-512M" }),
      await created(mark, { name: "c", image, package: "sample-256M", "tag.role": "web" }),
    ]
    const names = async (query: string) => {
      const reply = await mark.ask(`/my/machines${query === "" ? "" : "?"}${query}`)
      expect(reply.status).toBe(200)
      const all = reply.json.map(({ name }: { name: string }) => name).join("")
      expect(reply.headers["x-resource-count"]).toBe(`${all.length}`)
      return all
    }
    return { mark, image, made, names }
  }

  test("is paged, and filtered by what it shows", async () => {
    const { mark, image, made, names } = await three()
    expect(await names("")).toBe("abc")
    expect(await names("limit=2&offset=0")).toBe("ab")
    expect(await names("limit=2&offset=2")).toBe("c")
    expect(await names("offset=9")).toBe("")
    expect(await names("name=b")).toBe("b")
    expect(await names(`image=${image}`)).toBe("abc")
    expect(await names("image=nonsense")).toBe("")
    expect(await names("memory=256")).toBe("ac")
    expect(await names("memory=256&limit=1&offset=1")).toBe("c")
    expect(await names("tag.role=db")).toBe("a")
    expect(await names("tags=*&tag.role=db")).toBe("ac")
    expect(await names("package=sample-512M")).toBe("b")
    expect(await names("type=virtualmachine")).toBe("abc")
    expect(await names("type=smartmachine")).toBe("")
    expect(await names("brand=bhyve&docker=false")).toBe("abc")
    expect(await names("docker=true")).toBe("")
    await act(mark, made[1]?.place ?? "", "stop")
    await until(mark, made[1]?.place ?? "", "stopped")
    expect(await names("state=running")).toBe("ac")
    expect(await names("state=stopped")).toBe("b")
    expect(await names("state=active")).toBe("abc")
    expect(await names("state=destroyed")).toBe("")
    const { id } = made[0] ?? {}
    const going = { state: "deleting" } as const
    const { ledger } = cloud.house.stage.making
    await ledger.transaction(({ machines }) => machines.change(`${id}`, going))
    expect(await names("limit=2")).toBe("bc")
    const limited = await mark.ask("/my/machines?limit=2")
    expect(limited.headers["x-query-limit"]).toBe("2")
    expect((await mark.ask("/my/machines")).headers["x-query-limit"]).toBe("1000")
  })

  test("holds those that failed or went only where one asks for them", async () => {
    const { mark, image, made, names } = await three()
    const { ledger } = cloud.house.stage.making
    const failed = { state: "failed", reason: "for a test" } as const
    await ledger.transaction(({ machines }) => machines.change(`${made[0]?.id}`, failed))
    expect(await names("")).toBe("bc")
    expect(await names("state=unknown")).toBe("a")
    expect((await mark.ask(made[1]?.place ?? "", { method: "DELETE" })).status).toBe(204)
    await cloud.quiet()
    expect(await names("")).toBe("c")
    expect(await names("tombstone=true")).toBe("acb")
    expect(await names("tombstone=false")).toBe("c")
    expect(await names("tombstone=true&limit=1&offset=2")).toBe("b")
    expect(await names(`tombstone=true&name=b&image=${image}&type=virtualmachine`)).toBe("b")
    expect(await names("state=destroyed&name=c")).toBe("")
    const [gone] = (await mark.ask("/my/machines?state=destroyed")).json
    expect(gone).toMatchObject({ id: made[1]?.id, name: "b", state: "deleted" })
    const anna = await cloud.tenant("anna")
    expect((await anna.ask("/my/machines?tombstone=true")).json).toEqual([])
  })

  test.each<[string, RegExp]>([
    ["state=flying", /^flying is not a valid state$/],
    ["type=toy", /^toy is not a valid type$/],
    ["limit=0", /limit/],
    ["limit=many", /limit/],
    ["offset=-1", /offset/],
    ["docker=perhaps", /docker/],
    ["name=a&name=b", /name/],
  ])("%s is no question", async (query, message) => {
    const mark = await cloud.tenant("mark")
    const reply = await mark.ask(`/my/machines?${query}`)
    expect([reply.status, reply.json.code]).toEqual([409, "InvalidArgument"])
    expect(reply.json.message).toMatch(message)
  })
})

describe("the rest of the account", () => {
  test("images, packages, networks and volumes", async () => {
    const { mark, image } = await marks()
    const [shown] = (await mark.ask("/my/images")).json
    expect(shown).toMatchObject({
      id: image,
      name: "i",
      os: "linux",
      state: "active",
      type: "zvol",
    })
    expect((await mark.ask(`/my/images/${image}`)).json).toEqual(shown)
    expect((await mark.ask("/my/images?name=other")).json).toEqual([])
    expect((await mark.ask("/my/images?state=all&public=false")).json).toHaveLength(1)
    expect((await mark.ask("/my/images?state=failed")).json).toEqual([])
    expect((await mark.ask("/my/images/nonsense")).status).toBe(404)
    const old = await mark.ask("/my/images", { headers: { "accept-version": "~7.0" } })
    expect(old.json[0].type).toBe("virtualmachine")
    const sets = await mark.ask("/my/datasets", { headers: { "x-api-version": "~6.5" } })
    expect(sets.json).toMatchObject([{ id: image, urn: expect.stringMatching(/:i:1\.0\.0$/) }])
    const one = await mark.ask(`/my/datasets/${image}`, { headers: { "x-api-version": "~7.0" } })
    expect(one.json).toMatchObject({ id: image, created: expect.stringMatching(/\+00:00$/) })
    const late = await mark.ask("/my/datasets")
    expect([late.status, late.json]).toEqual([
      400,
      { code: "InvalidVersion", message: "9.0.0 is not supported by GET /my/datasets" },
    ])
    const packages = (await mark.ask("/my/packages")).json
    const names = packages.map(({ name }: { name: string }) => name)
    expect(names).toEqual(["sample-256M", "sample-512M", "sample-1G"])
    const shortIds = packages.map(({ id }: { id: string }) => id.slice(0, 8))
    expect(new Set(shortIds).size).toBe(3)
    for (const ref of [packages[1].id, "sample-512M"]) {
      expect((await mark.ask(`/my/packages/${ref}`)).json).toEqual(packages[1])
    }
    expect((await mark.ask("/my/packages?name=sample-*M&memory=512")).json).toEqual([packages[1]])
    expect((await mark.ask("/my/packages?name=*-*G")).json).toEqual([packages[2]])
    expect((await mark.ask("/my/packages/none")).status).toBe(404)
    expect((await mark.ask("/my/networks")).json).toEqual([])
    expect((await mark.ask("/my/networks/x")).status).toBe(404)
    const predicate = encodeURIComponent('{"ne":["state","failed"]}')
    expect((await mark.ask(`/my/volumes?predicate=${predicate}`)).json).toEqual([])
  })

  test("what is not to be had can be asked for, and is not there", async () => {
    const mark = await cloud.tenant("mark")
    const machine = `/my/machines/${await cloud.machine(mark.who)}`
    const lists = ["fwrules", "volumes", "volumesizes", "migrations", "fabrics/default/vlans"]
    for (const path of [
      ...lists.map((list) => `/my/${list}`),
      `${machine}/nics`,
      `${machine}/fwrules`,
    ]) {
      expect([path, (await mark.ask(path)).json]).toEqual([path, []])
      expect([path, (await mark.ask(path, { method: "HEAD" })).status]).toEqual([path, 200])
    }
    for (const path of ["/my/volumes", "/my/fwrules", `${machine}/nics`]) {
      const made = await mark.ask(path, { method: "POST", body: { name: "a" } })
      expect([made.status, made.json.code]).toEqual([409, "InvalidArgument"])
      for (const method of ["GET", "POST", "DELETE"]) {
        const one = await mark.ask(`${path}/x`, { method })
        expect([one.status, one.json.code]).toEqual([404, "ResourceNotFound"])
      }
    }
    expect((await mark.ask("/my/config")).json).toEqual({})
  })

  test("a machine's disks, in the state that it is in", async () => {
    const mark = await cloud.tenant("mark")
    const id = await cloud.machine(mark.who)
    const { disks } = right(await core().machines.get(mark.who, id))
    const shown = await mark.ask(`/my/machines/${id}/disks`)
    expect(shown.headers["x-resource-count"]).toBe("1")
    expect(shown.json).toMatchObject([{ id: disks[0]?.id, boot: true, state: "running" }])
    const path = `/my/machines/${id}/disks/${disks[0]?.id}`
    expect((await mark.ask(path)).json).toEqual(shown.json[0])
    expect((await mark.ask(`/my/machines/${id}/disks/x`)).status).toBe(404)
  })

  test("keys come and go", async () => {
    const mark = await cloud.tenant("mark")
    const { publicKey, fingerprint } = newKeyLine()
    const body = { name: "second key", key: publicKey }
    const made = await mark.ask("/my/keys", { method: "POST", body })
    expect([made.status, made.headers.location]).toEqual([201, "/mark/keys/second%20key"])
    expect(made.json).toEqual({
      name: "second key",
      fingerprint,
      key: publicKey,
      attested: false,
      multifactor: [],
    })
    expect((await mark.ask("/my/keys")).json).toHaveLength(2)
    for (const ref of ["second%20key", fingerprint]) {
      expect((await mark.ask(`/my/keys/${ref}`)).json).toEqual(made.json)
    }
    const none = await mark.ask("/my/keys", { method: "POST", body: { name: "x" } })
    expect([none.status, none.json.code]).toEqual([409, "MissingParameter"])
    const bad = await mark.ask("/my/keys", { method: "POST", body: { key: "ssh-rsa AAAA" } })
    expect([bad.status, bad.json.code]).toEqual([409, "InvalidArgument"])
    expect((await mark.ask(`/my/keys/${fingerprint}`, { method: "DELETE" })).status).toBe(204)
    expect((await mark.ask(`/my/keys/${fingerprint}`)).status).toBe(404)
    expect((await mark.ask("/my/keys/none", { method: "DELETE" })).status).toBe(404)
  })

  test("account, datacenters and services", async () => {
    const mark = await cloud.tenant("mark")
    const { url } = cloud.wire
    const account = await mark.ask("/my")
    expect(account.json).toMatchObject({ login: "mark", triton_cns_enabled: false })
    expect((await mark.ask("/my/datacenters")).json).toEqual({ tintype: url })
    const moved = await mark.ask("/my/datacenters/tintype")
    expect([moved.status, moved.headers.location, moved.json.code]).toEqual([
      302,
      url,
      "ResourceMoved",
    ])
    expect((await mark.ask("/my/datacenters/elsewhere")).status).toBe(404)
    expect((await mark.ask("/my/services")).json).toEqual({ cloudapi: url })
    expect((await mark.ask("/my/limits")).json).toEqual([])
    const quota = { machines: 2, logicalBytes: 2 ** 30 }
    right(await core().identity.setQuota({ who: cloud.house.stage.who }, "mark", quota))
    expect((await mark.ask("/my/limits")).json).toEqual([
      { by: "machines", value: 2, used: 0 },
      { by: "disk", value: 1024, used: 0 },
    ])
  })
})

describe("answers", () => {
  test("have the standard headers, also when something is wrong", async () => {
    const mark = await cloud.tenant("mark")
    const sent = { headers: { "request-id": "my-own-id" } }
    for (const path of ["/my/machines", "/my/machines/x", "/my/no/such/thing", "/nobody"]) {
      const { headers, bytes } = await mark.ask(path, sent)
      expect(headers).toMatchObject({
        "api-version": "9.0.0",
        "x-api-version": "9.0.0",
        "request-id": "my-own-id",
        "x-request-id": "my-own-id",
        "access-control-allow-origin": "*",
        "access-control-expose-headers": "Api-Version, Request-Id, Response-Time",
        server: "cloudapi/9.0.0",
        "content-type": "application/json",
        "content-md5": createHash("md5").update(bytes).digest("base64"),
      })
      expect(headers["access-control-allow-methods"]).toMatch(/GET/)
    }
  })

  test("to HEAD are those to GET without their body", async () => {
    const { mark, image } = await marks()
    const { place } = await created(mark, { image, package: "sample-256M" })
    for (const path of [place, "/my/machines", `${place}/snapshots`, "/my", "/my/keys"]) {
      const [get, head] = [await mark.ask(path), await mark.ask(path, { method: "HEAD" })]
      expect([head.status, head.bytes.length]).toEqual([200, 0])
      expect(head.headers["content-md5"]).toBe(get.headers["content-md5"])
      expect(head.headers["content-length"]).toBe(get.headers["content-length"])
    }
  })

  test("tell what does not fit", async () => {
    const mark = await cloud.tenant("mark")
    const method = await mark.ask("/my/machines", { method: "PUT" })
    expect([method.status, method.json.code]).toEqual([405, "BadMethod"])
    const accept = await mark.ask("/my", { headers: { accept: "text/html" } })
    expect([accept.status, accept.json.code]).toEqual([406, "NotAcceptable"])
    for (const type of ["application/octet-stream", "text/html, */*;q=0.1", "Application/JSON"]) {
      expect((await mark.ask("/my", { headers: { accept: type } })).status).toBe(200)
    }
    const digest = await mark.ask("/my/keys", {
      method: "POST",
      body: { key: "x" },
      headers: { "content-md5": "AAAA" },
    })
    expect([digest.status, digest.json.code]).toEqual([400, "BadDigest"])
    expect((await mark.ask("/my/nothing/here")).json.code).toBe("ResourceNotFound")
  })
})

test("what other faces made shows here, and the other way round", async () => {
  const mark = await cloud.tenant("mark")
  const machine = await cloud.machine(mark.who, "from elsewhere")
  const [shown] = (await mark.ask("/my/machines")).json
  expect(shown).toMatchObject({ id: machine, name: "from elsewhere", package: "sample-256M" })
  const [done] = (await mark.ask(`/my/machines/${machine}/audit`)).json
  expect(done).toMatchObject({ action: "provision", caller: { type: "operator" } })
  await act(mark, `/my/machines/${machine}`, "rename", { name: "from here" })
  expect(right(await core().machines.get(mark.who, machine)).name).toBe("from here")
})
