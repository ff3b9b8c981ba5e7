/** What the native face answers to what nobody should send: a clear error, and the core not asked. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { type Fault, no } from "../../src/domain/fault.ts"
import { faces } from "../../src/faces/registry.ts"
import { id, machine, scriptedCore, started } from "../fixtures/scripted-core.ts"
import { type Sent, type Wire, wireTo } from "../fixtures/wire.ts"

const { core, calls, script } = scriptedCore()
let wire: Wire
beforeAll(async () => {
  wire = await wireTo(faces.native(), core)
})
afterAll(() => wire.close())
beforeEach(() => {
  calls.length = 0
})

const wish = { name: "web", imageId: id(30) }
const asked = () => calls.filter(({ verb }) => !verb.startsWith("identity."))

describe("a wish that cannot be", () => {
  const bad: [path: string, body: unknown, field: string | undefined, why: RegExp][] = [
    ["machines", {}, "name", /^is required; imageId is required$/],
    ["machines", { ...wish, name: 7 }, "name", /^must be a string, not a number$/],
    ["machines", { ...wish, name: "" }, "name", /1 to 255 characters/],
    ["machines", { ...wish, name: "x".repeat(256) }, "name", /1 to 255 characters/],
    ["machines", { ...wish, name: "a/b" }, "name", /slash/],
    ["machines", { ...wish, name: "a\u0000b" }, "name", /control characters/],
    ["machines", { ...wish, name: "a\nb" }, "name", /control characters/],
    ["machines", { ...wish, name: "a\u2028b" }, "name", /control characters/],
    ["machines", { ...wish, name: " a" }, "name", /white space/],
    ["machines", { ...wish, name: "\ud800" }, "name", /well-formed Unicode/],
    ["machines", { ...wish, cpus: 0 }, "cpus", /^must be at least 1$/],
    ["machines", { ...wish, cpus: 65 }, "cpus", /^must be at most 64$/],
    ["machines", { ...wish, cpus: 1.5 }, "cpus", /^must be a whole number, not a fraction$/],
    ["machines", { ...wish, cpus: "2" }, "cpus", /^must be a number, not a string$/],
    ["machines", { ...wish, memoryMiB: 63 }, "memoryMiB", /at least 64/],
    ["machines", { ...wish, memoryMiB: 1e300 }, "memoryMiB", /./],
    ["machines", { ...wish, memoryMiB: null }, "memoryMiB", /not null$/],
    ["machines", { ...wish, diskSizeBytes: 1000 }, "diskSizeBytes", /multiple of 512/],
    ["machines", { ...wish, diskSizeBytes: 2 ** 50 }, "diskSizeBytes", /at most/],
    ["machines", { ...wish, diskSizeBytes: -512 }, "diskSizeBytes", /at least/],
    ["machines", { ...wish, kind: "lxc" }, "kind", /^must be "vm" or "container"$/],
    ["machines", { ...wish, volumeIds: "all" }, "volumeIds", /^must be a list, not a string$/],
    ["machines", { ...wish, volumeIds: Array(27).fill(id(1)) }, "volumeIds", /at most 26 items/],
    ["machines", { ...wish, colour: "red" }, "colour", /not a field known here/],
    ["machines", [wish], undefined, /must be an object, not a list/],
    ["machines", "web", undefined, /must be an object, not a string/],
    ["volumes", { name: "v" }, "sizeBytes", /unless snapshotId/],
    ["volumes", { name: "v", sizeBytes: 0 }, "sizeBytes", /at least 512/],
    ["volumes", { name: "v", sizeBytes: 512, volumeId: id(2) }, "volumeId", /snapshotId, too/],
    ["volumes", { name: "v", cloneOf: id(2), snapshotId: id(1) }, "cloneOf", /excludes snapshot/],
    ["volumes", { name: "v", sizeBytes: 512, tags: { a: null } }, "tags.a", /./],
    ["volumes", { name: "v", sizeBytes: 512, metadata: { a: 1 } }, "metadata.a", /a string/],
    ["snapshots", { name: "s" }, "machineId", /volumeId is required/],
    ["snapshots", { name: "s", machineId: id(1), volumeId: id(2) }, "machineId", /excludes/],
    [`machines/${id(10)}/exec`, { argv: [] }, "argv", /at least 1 items/],
    [`machines/${id(10)}/exec`, { argv: [""] }, "argv", /begin with a program/],
    [`machines/${id(10)}/exec`, { argv: ["a\u0000"] }, "argv.0", /NUL/],
    [`machines/${id(10)}/exec`, { argv: ["a".repeat(200_000)] }, "argv", /not be longer/],
    [`machines/${id(10)}/exec`, { argv: ["ls"], timeoutMs: 0 }, "timeoutMs", /at least 1/],
    [`machines/${id(10)}/start`, { now: true }, "now", /not a field known here/],
    ["accounts", { login: "a b" }, "login", /letters/],
    ["accounts", { login: "acme", password: "" }, "password", /at least 1 characters/],
    ["users", { name: "eve", account: "acme", role: "root" }, "role", /"admin" or/],
    ["keys", { publicKey: "ssh-rsa A\nssh-rsa B" }, "publicKey", /one line/],
  ]
  for (const [path, body, field, why] of bad) {
    test(`${path} ${JSON.stringify(body).slice(0, 80)}`, async () => {
      const headers = { "content-type": "application/json" }
      const sent = { method: "POST", headers, body: JSON.stringify(body) }
      const reply = await wire.ask(`/api/${path}`, sent)
      expect(reply.json).toMatchObject({ status: 400, kind: "invalid", title: "Invalid request" })
      expect(reply.json.field).toBe(field)
      expect(reply.json.why).toMatch(why)
      expect(reply.headers["content-type"]).toBe("application/problem+json")
      expect(asked()).toEqual([])
    })
  }

  test("names every field that is wrong, and never a value", async () => {
    const body = { login: "acme", password: 12345678, apiKey: ["hunter2"], x: 1 }
    const reply = await wire.ask("/api/accounts", { method: "POST", body })
    expect(reply.json.detail).toBe(
      "password: must be a string, not a number; apiKey must be a string, not a list; " +
        "x is not a field known here",
    )
    expect(reply.bytes.toString()).not.toMatch(/12345678|hunter2/)
  })

  test("as a key that JSON itself would hide", async () => {
    const headers = { "content-type": "application/json" }
    const body = `{"name":"web","imageId":"${id(30)}","__proto__":{"cpus":1}}`
    const reply = await wire.ask("/api/machines", { method: "POST", headers, body })
    expect(reply.json).toMatchObject({ status: 400, field: "__proto__" })
  })
})

describe("a query that cannot be", () => {
  const bad: [path: string, field: string][] = [
    ["/api/machines?limit=0", "limit"],
    ["/api/machines?limit=1001", "limit"],
    ["/api/machines?limit=1e3", "limit"],
    ["/api/machines?limit=-1", "limit"],
    ["/api/machines?limit=", "limit"],
    ["/api/machines?limit=1&limit=2", "limit"],
    ["/api/machines?after=zzz", "after"],
    [`/api/machines?after=${Buffer.from("' or 1").toString("base64url")}`, "after"],
    ["/api/machines?allAccounts=yes", "allAccounts"],
    ["/api/machines?Limit=1", "Limit"],
    [`/api/machines/${id(10)}?verbose=1`, "verbose"],
    [`/api/machines/${id(10)}/console?bytes=99999999`, "bytes"],
    [`/api/operations/${id(90)}?wait=61`, "wait"],
    [`/api/snapshots?machineId=${id(1)}&volumeId=${id(2)}`, "machineId"],
    [`/api/volumes/${id(20)}/content?format=vmdk`, "format"],
    ["/api/events?after=-1", "after"],
  ]
  for (const [path, field] of bad) {
    test(path, async () => {
      const reply = await wire.ask(path)
      expect(reply.json).toMatchObject({ status: 400, kind: "invalid", field })
      expect(asked()).toEqual([])
    })
  }
})

describe("an id that names nothing", () => {
  const missing = (what: string) => ({ status: 404, kind: "not-found", what })
  for (const text of ["1", "..%2f..%2fetc", "%00", "x".repeat(300), "a%20b", `${id(1)}0`]) {
    test(`in a path: ${text.slice(0, 40)}`, async () => {
      const reply = await wire.ask(`/api/machines/${text}`)
      expect(reply.status).toBe(404 - (text.length > 255 ? 4 : 0))
      expect(asked()).toEqual([])
    })
  }

  test("in a path looks like one that belongs to somebody else", async () => {
    script["machines.get"] = (_who: unknown, told: string) =>
      no({ kind: "not-found", what: "machine", id: told })
    const foreign = await wire.ask(`/api/machines/${id(77)}`)
    const nonsense = await wire.ask("/api/machines/nonsense")
    expect(foreign.json).toMatchObject({ ...missing("machine"), detail: `no machine ${id(77)}` })
    expect(nonsense.json).toMatchObject({ ...missing("machine"), detail: "no machine nonsense" })
    expect(Object.keys(nonsense.json)).toEqual(Object.keys(foreign.json))
  })

  test("in a wish is not found, unless the wish is ill-formed too", async () => {
    const post = (body: object) => wire.ask("/api/machines", { method: "POST", body })
    expect((await post({ name: "web", imageId: "none" })).json).toMatchObject(missing("image"))
    expect((await post({ name: "", imageId: "none" })).json).toMatchObject({ status: 400 })
    expect(asked()).toEqual([])
  })
})

describe("a body that is none", () => {
  const post = (sent: Sent) => wire.ask("/api/machines", { method: "POST", ...sent })
  const json = { "content-type": "application/json; charset=utf-8" }

  test("broken JSON", async () => {
    const reply = await post({ headers: json, body: '{"name": ' })
    expect(reply.json).toMatchObject({ status: 400, why: "the body is not well-formed JSON" })
  })
  test("not UTF-8", async () => {
    const reply = await post({ headers: json, body: Buffer.from([0x7b, 0xff, 0x7d]) })
    expect(reply.json).toMatchObject({ status: 400, why: "the body is not UTF-8" })
  })
  test("brackets without end", async () => {
    const reply = await post({ headers: json, body: "[".repeat(500_000) })
    expect(reply.json).toMatchObject({ status: 400, kind: "invalid" })
  })
  test("another media type", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" }
    const reply = await post({ headers, body: "name=web" })
    expect(reply.json).toMatchObject({ status: 415, kind: "wrong-media-type" })
  })
  test("a media type that is none", async () => {
    const reply = await post({ headers: { "content-type": "json" }, body: "{}" })
    expect(reply.status).toBe(415)
  })
  test("more than fits", async () => {
    const reply = await post({ headers: json, body: `"${"x".repeat(2 ** 20)}"` })
    expect(reply.json).toMatchObject({ status: 413, kind: "too-large" })
  })
  test("an upload of a type that is not known", async () => {
    const headers = { "content-type": "application/gzip" }
    const sent = { method: "PUT", headers, body: "x" }
    expect((await wire.ask(`/api/volumes/${id(20)}/content`, sent)).status).toBe(415)
    const sparse = { "content-type": "application/vnd.tintype.sparse" }
    const path = `/api/volumes/${id(20)}/content?format=qcow2`
    expect((await wire.ask(path, { ...sent, headers: sparse })).status).toBe(415)
  })
  test("none at all, where everything has a default", async () => {
    script["machines.stop"] = () => ({ ok: true, value: started(machine) })
    const reply = await wire.ask(`/api/machines/${id(10)}/stop`, { method: "POST" })
    expect(reply.status).toBe(202)
  })
})

describe("a path or method that is not there", () => {
  test("an unknown path", async () => {
    const reply = await wire.ask("/api/nothing", { token: null })
    expect(reply.json).toMatchObject({
      status: 404,
      kind: "not-found",
      type: "/problems/not-found",
    })
  })
  test("a method that this path does not take", async () => {
    const reply = await wire.ask(`/api/machines/${id(10)}`, { method: "PUT", body: {} })
    expect(reply.json).toMatchObject({ status: 405, kind: "wrong-method" })
    expect(reply.headers.allow).toBe("GET, PATCH, DELETE, HEAD")
  })
  test("a path that cannot be decoded", async () => {
    const reply = await wire.ask("/api/machines/%zz")
    expect(reply.json).toMatchObject({ status: 400, kind: "invalid" })
  })
})

describe("every fault has its status, and its own fields", () => {
  const faults: [number, Fault][] = [
    [400, { kind: "invalid", why: "w", field: "f" }],
    [403, { kind: "forbidden", why: "w" }],
    [404, { kind: "not-found", what: "image", id: "i" }],
    [409, { kind: "name-taken", what: "image", name: "n" }],
    [409, { kind: "wrong-state", what: "machine", id: "i", is: "off", needs: ["running"] }],
    [
      409,
      { kind: "in-use", what: "volume", id: "i", by: [{ kind: "snapshot", id: "s" }], hint: "h" },
    ],
    [400, { kind: "size", what: "w", bytes: 1, atLeast: 2 }],
    [413, { kind: "quota", what: "w", limit: 1, used: 1 }],
    [507, { kind: "no-space", neededBytes: 2, freeBytes: 1 }],
    [422, { kind: "bad-image", why: "w" }],
    [422, { kind: "unsupported", what: "w", why: "y" }],
    [503, { kind: "unavailable", what: "w", remedy: "r" }],
    [422, { kind: "key-reused", key: "k" }],
    [504, { kind: "timeout", what: "w", afterMs: 5 }],
    [400, { kind: "interrupted", what: "w" }],
    [500, { kind: "failed", operationId: id(90), why: "w" }],
  ]
  for (const [status, fault] of faults) {
    test(fault.kind, async () => {
      script["machines.start"] = () => no(fault)
      const headers = { "x-request-id": "mine-1" }
      const sent = { method: "POST", headers }
      const reply = await wire.ask(`/api/machines/${id(10)}/start`, sent)
      expect(reply.status).toBe(status)
      expect(reply.json).toMatchObject({ ...fault, status, requestId: "mine-1" })
      expect(reply.json.type).toBe(`/problems/${fault.kind}`)
      expect(reply.headers["retry-after"]).toBe(fault.kind === "unavailable" ? "10" : undefined)
    })
  }
})

test("a bug is a 500 with a request id and nothing of what it was", async () => {
  script["machines.start"] = () => {
    throw new Error("SELECT secret FROM /var/lib")
  }
  const reply = await wire.ask(`/api/machines/${id(10)}/start`, { method: "POST" })
  expect(reply.json).toMatchObject({ status: 500, kind: "internal" })
  expect(reply.json.requestId).toBe(reply.headers["x-request-id"])
  expect(reply.bytes.toString()).not.toMatch(/SELECT|var|Error|at /)
})
