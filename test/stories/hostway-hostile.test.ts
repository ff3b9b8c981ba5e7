/** What the Hostway face says of what goes wrong, and of what nobody should send. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { type Fault, no, ok } from "../../src/domain/fault.ts"
import { basic, hostwayFace } from "../fixtures/hostway-house.ts"
import { admin, id, machine, scriptedCore, started } from "../fixtures/scripted-core.ts"
import { type Reply, type Sent, type Wire, wireTo } from "../fixtures/wire.ts"

const { core, calls, script } = scriptedCore({ "identity.byPasswordOrApiKey": () => ok(admin) })
const authorization = basic("admin", "secret")
let wire: Wire
beforeAll(async () => {
  wire = await wireTo(hostwayFace(), core)
})
afterAll(() => wire.close())
beforeEach(() => {
  calls.length = 0
})

const ask = (path: string, sent: Sent = {}) =>
  wire.ask(path, { ...sent, token: null, headers: { authorization, ...sent.headers } })
const asked = () => calls.filter(({ verb }) => !verb.startsWith("identity."))
const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

const server = `/servers/${id(10)}`
const wish = { name: "web", imageRef: id(30), flavorRef: 1 }
const disk = { display_name: "d", size: 1 }

describe("a wish that cannot be is 400, and the core is not asked", () => {
  const bad: [path: string, body: unknown, details: RegExp][] = [
    [`${server}/snapshots`, {}, /^snapshot: is required/],
    [`${server}/snapshots`, { snapshot: {} }, /^snapshot\.name: is required/],
    [`${server}/snapshots`, { snapshot: { name: "" } }, /name: must not be empty/],
    [`${server}/snapshots`, { snapshot: { name: "  " } }, /name: must not be empty/],
    [`${server}/snapshots`, { snapshot: { name: 7 } }, /name: must be a string/],
    [`${server}/snapshots`, { snapshot: { name: "x".repeat(256) } }, /at most 255/],
    [`${server}/snapshots`, { snapshot: { name: "x", description: [] } }, /description: must be/],
    [`${server}/snapshots`, { snapshot: { name: "x", description: "x".repeat(5000) } }, /4096/],
    [`${server}/snapshots`, [], /must be an object, not a list/],
    [`${server}/snapshots/s/action`, { action: "explode" }, /^action: must be "restore"/],
    [`${server}/snapshots/s/action`, { restore: null }, /^action: is required/],
    [`${server}/action`, {}, /must name one action/],
    [`${server}/action`, { "os-stop": null, "os-start": null }, /must name one action/],
    [`${server}/action`, { reboot: { type: "GENTLE" } }, /^reboot.type: must be "SOFT" or "HARD"/],
    [`${server}/action`, { reboot: null }, /^reboot: must be an object, not null/],
    [`${server}/action`, { resize: { flavor: { id: "99" } } }, /^resize.flavor.id: is no flavor/],
    [`${server}/action`, { resize: { flavor: { id: 650_000_064 } } }, /no flavor/],
    [`${server}/action`, { resize: { flavor: { id: 10_000_063 } } }, /no flavor/],
    ["/servers", { server: { ...wish, name: undefined } }, /^server\.name: is required/],
    ["/servers", { server: { ...wish, flavorRef: "/flavors/none" } }, /no flavor/],
    ["/servers", { server: { ...wish, zone: "mars" } }, /zone: must be "zone-1"/],
    ["/servers", { server: { ...wish, metadata: { a: 1 } } }, /metadata\.a: must be a string/],
    ["/volumes", { volume: { ...disk, size: 0 } }, /size: must be at least 1/],
    ["/volumes", { volume: { ...disk, size: 1.5 } }, /^volume\.size: must be a whole number/],
    ["/volumes", { volume: { ...disk, size: "1e3" } }, /^volume\.size: must be a/],
    ["/volumes", { volume: { ...disk, size: "0" } }, /^volume\.size: /],
    ["/volumes", { volume: { ...disk, size: 1e9 } }, /at most 65536/],
    ["/volumes", { volume: { ...disk, availability_zone: "mars" } }, /zone/],
    [`${server}/os-volume_attachments`, { volumeAttachment: {} }, /volumeId: is required/],
  ]
  for (const [path, body, details] of bad) {
    test(`${path} ${JSON.stringify(body).slice(0, 80)}`, async () => {
      const reply = await ask(path, { method: "POST", body: JSON.stringify(body) })
      expect(reply.json).toEqual({
        badRequest: {
          message: "BadRequest",
          code: 400,
          details: expect.stringMatching(details),
          errorid: expect.stringMatching(uuid),
        },
      })
      expect(reply.status).toBe(400)
      expect(asked()).toEqual([])
    })
  }

  test.each([
    ["no JSON", "{"],
    ["no UTF-8", Buffer.from([0x22, 0xff, 0x22])],
    ["nothing", ""],
  ])("%s", async (_what, body) => {
    const reply = await ask(`${server}/snapshots`, { method: "POST", body })
    expect([reply.status, Object.keys(reply.json)]).toEqual([400, ["badRequest"]])
    expect(asked()).toEqual([])
  })

  test("GET /servers?status=HAPPY", async () => {
    const reply = await ask("/servers?status=HAPPY")
    expect([reply.status, Object.keys(reply.json)]).toEqual([400, ["badRequest"]])
  })
})

describe("what there is not", () => {
  test.each([
    "/servers/web",
    `/servers/${id(10).slice(1)}`,
    "/servers/..%2f..%2fetc",
    `${server}/snapshots/snapshot_x`,
    "/volumes/hbs2012May08_61EfdIZ3Y",
    "/images/none",
    "/flavors/7",
    "/flavors/1e1",
    "/nothing",
  ])("%s is 404", async (path) => {
    script["machines.get"] = () => ok(machine)
    const reply = await ask(path)
    expect(reply.json).toEqual({
      itemNotFound: {
        message: "Resource not found",
        code: 404,
        details: expect.any(String),
        errorid: expect.stringMatching(uuid),
      },
    })
    expect(asked().filter(({ verb }) => verb !== "machines.get")).toEqual([])
  })

  test("a server's own disk is no volume", async () => {
    script["volumes.get"] = () => ok(machine.disks[0])
    expect((await ask(`/volumes/${id(20)}`)).status).toBe(404)
    expect((await ask(`/volumes/${id(20)}`, { method: "DELETE" })).status).toBe(404)
    script["machines.get"] = () => ok(machine)
    const path = `${server}/os-volume_attachments/${id(20)}`
    expect((await ask(path, { method: "DELETE" })).status).toBe(404)
  })

  test("an image or a volume of no sane id is 404 in a wish, too", async () => {
    const made = { server: { ...wish, imageRef: "http://x/images/none" } }
    expect((await ask("/servers", { method: "POST", body: made })).status).toBe(404)
    const body = { volumeAttachment: { volumeId: "hbs1" } }
    const attached = await ask(`${server}/os-volume_attachments`, { method: "POST", body })
    expect(attached.status).toBe(404)
    expect(asked()).toEqual([])
  })

  test.each(["explode", "constructor", "__proto__"])("an action %s is 405", async (name) => {
    const body = `{${JSON.stringify(name)}: null}`
    const reply = await ask(`${server}/action`, { method: "POST", body })
    expect([reply.status, Object.keys(reply.json)]).toEqual(
      name === "__proto__" ? [400, ["badRequest"]] : [405, ["badMethod"]],
    )
    expect(asked()).toEqual([])
  })

  test("another method is 405 with those that there are", async () => {
    const reply = await ask(`${server}/snapshots/s`, { method: "PUT", body: {} })
    expect([reply.status, Object.keys(reply.json)]).toEqual([405, ["badMethod"]])
    expect(reply.headers.allow).toBe("GET, DELETE, HEAD")
  })
})

describe("every fault of the core has its words", () => {
  const said: [fault: Fault, status: number, key: string, message?: string][] = [
    [{ kind: "invalid", why: "no" }, 400, "badRequest"],
    [{ kind: "forbidden", why: "no" }, 403, "forbidden"],
    [{ kind: "not-found", what: "machine", id: "x" }, 404, "itemNotFound"],
    [{ kind: "name-taken", what: "snapshot", name: "x" }, 409, "conflict"],
    [{ kind: "wrong-state", what: "machine", id: "x", is: "off", needs: ["on"] }, 409, "conflict"],
    [
      { kind: "in-use", what: "machine", id: "x", by: [{ kind: "volume", id: "v" }], hint: "h" },
      400,
      "badRequest",
      "ExtraVolumesAttached",
    ],
    [
      { kind: "in-use", what: "volume", id: "v", by: [{ kind: "machine", id: "m" }], hint: "h" },
      409,
      "conflict",
      "VolumeAlreadyAttached",
    ],
    [
      { kind: "in-use", what: "volume", id: "v", by: [{ kind: "snapshot", id: "s" }], hint: "h" },
      409,
      "conflict",
      "ResourceInUse",
    ],
    [{ kind: "size", what: "it", bytes: 1 }, 400, "badRequest"],
    [{ kind: "quota", what: "snapshots", limit: 3, used: 3 }, 413, "overLimit"],
    [{ kind: "no-space", neededBytes: 2, freeBytes: 1 }, 503, "serviceUnavailable"],
    [{ kind: "bad-image", why: "no" }, 400, "badRequest"],
    [{ kind: "unsupported", what: "it", why: "no" }, 400, "badRequest"],
    [{ kind: "unavailable", what: "it", remedy: "wait" }, 503, "serviceUnavailable"],
    [{ kind: "key-reused", key: "k" }, 409, "conflict"],
    [{ kind: "timeout", what: "it", afterMs: 1 }, 503, "serviceUnavailable"],
    [{ kind: "interrupted", what: "it" }, 400, "badRequest"],
    [{ kind: "failed", operationId: "o", why: "no" }, 500, "computeFault"],
  ]
  for (const [fault, status, key, message = expect.any(String)] of said) {
    test(`${fault.kind} ${"what" in fault ? fault.what : ""} is ${status} ${key}`, async () => {
      script["machines.remove"] = () => no(fault)
      const reply = await ask(server, { method: "DELETE" })
      const details = expect.stringMatching(/./)
      const errorid = reply.headers["x-request-id"]
      expect(reply.json).toEqual({ [key]: { message, code: status, details, errorid } })
      expect(reply.status).toBe(status)
    })
  }

  test("an errorid is the client's own request id where that is a UUID", async () => {
    script["machines.remove"] = () => no({ kind: "forbidden", why: "no" })
    const errorid = async (own: string) => {
      const headers = { "x-request-id": own }
      return (await ask(server, { method: "DELETE", headers })).json.forbidden.errorid
    }
    expect(await errorid(id(77))).toBe(id(77))
    expect(await errorid("mine-1")).toMatch(uuid)
  })

  test("a bug of ours is 500 without a word of it", async () => {
    script["machines.remove"] = () => {
      throw new Error("secret of the house")
    }
    const reply = await ask(server, { method: "DELETE" })
    expect([reply.status, Object.keys(reply.json)]).toEqual([500, ["computeFault"]])
    expect(reply.bytes.toString()).not.toContain("secret")
  })
})

describe("limits", () => {
  test("a body too large is 413", async () => {
    const body = { snapshot: { name: "n", description: "x".repeat(70_000) } }
    const reply = await ask(`${server}/snapshots`, { method: "POST", body })
    expect([reply.status, Object.keys(reply.json)]).toEqual([413, ["overLimit"]])
    expect(asked()).toEqual([])
  })

  test("resizing to the size that it has is refused", async () => {
    const hardware = { ...machine.hardware, memoryMiB: 512, cpus: 1 }
    script["machines.get"] = () => ok({ ...machine, hardware })
    script["machines.resize"] = () => ok(started(machine))
    const resize = (flavor: string) =>
      ask(`${server}/action`, { method: "POST", body: { resize: { flavor: { id: flavor } } } })
    expect((await resize("2")).status).toBe(400)
    expect((await resize("3")).status).toBe(202)
  })
})

describe("giving a server a volume, and taking it away", () => {
  const extra = { ...machine.disks[0], id: id(21), role: "extra", slot: 1 }
  const all = `${server}/os-volume_attachments`
  const ending = (end: object) => {
    script["machines.get"] = () => ok({ ...machine, disks: [extra] })
    script["machines.attach"] = () => ok(started({ ...machine, disks: [extra] }))
    script["machines.detach"] = () => ok(started(machine))
    script["operations.wait"] = () => ok({ reason: null, fault: null, ...end })
  }
  const body = { volumeAttachment: { volumeId: id(21), device: "/dev/sdb" } }
  const ways: [what: string, ask: () => Promise<Reply>, done: number][] = [
    ["giving", () => ask(all, { method: "POST", body }), 200],
    ["taking", () => ask(`${all}/${id(21)}`, { method: "DELETE" }), 204],
  ]

  test.each(ways)("%s is told by how it ended, or that it goes on", async (_what, act, done) => {
    const told = async (end: object) => {
      ending(end)
      return (await act()).status
    }
    expect(await told({ state: "done" })).toBe(done)
    expect(await told({ state: "running" })).toBe(202)
    expect(await told({ state: "undone", reason: "the guest keeps it" })).toBe(500)
    const fault = { kind: "timeout", what: "the guest", afterMs: 1 }
    expect(await told({ state: "undone", fault })).toBe(503)
  })
})
