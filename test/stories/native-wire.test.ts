/** Every route of the native face, once as it is meant: what is asked of the core, what is told. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import type { ZodType } from "zod"
import { ok } from "../../src/domain/fault.ts"
import { faces } from "../../src/faces/registry.ts"
import * as sample from "../fixtures/scripted-core.ts"
import { type Sent, type Wire, wireTo } from "../fixtures/wire.ts"

const { id, started, done } = sample
const face = faces.native()
const { core, calls, script } = sample.scriptedCore()
let wire: Wire
beforeAll(async () => {
  wire = await wireTo(face, core)
})
afterAll(() => wire.close())
beforeEach(() => {
  calls.length = 0
})

const credentials = {
  account: sample.account,
  userId: id(5),
  name: "acme",
  role: "member",
  password: "p",
  apiKey: "k",
  refreshToken: "r",
  token: "t",
}
const key = {
  id: id(6),
  accountId: id(2),
  userId: id(1),
  name: "laptop",
  fingerprint: "aa:bb",
  publicKey: "ssh-ed25519 AAAA me",
  createdAt: sample.at,
}
const labels = { description: "", metadata: {}, tags: {} }
const written = { description: "d", metadata: { a: "b" }, tags: { c: 1, d: true, e: "f" } }
const rendered = {
  machine: {
    id: id(10),
    name: "web",
    kind: "vm",
    state: "running",
    memoryMiB: 256,
    cpus: 2,
    machineType: "pc-q35-7.2",
    accelerator: "tcg",
    pid: 4321,
    imageId: id(30),
    rootVolumeId: id(20),
    disks: [
      {
        volumeId: id(20),
        slot: 0,
        role: "root",
        sizeBytes: 2 ** 20,
        bytes: { logical: 2 ** 20, physical: null },
      },
    ],
    held: null,
    ...labels,
    deletionProtected: false,
    accountId: id(2),
    reason: null,
    createdAt: sample.atText,
  },
  volume: {
    id: id(20),
    name: "data",
    sizeBytes: 2 ** 20,
    bytes: { logical: 2 ** 20, physical: null },
    state: "in-use",
    machineId: id(10),
    role: "root",
    slot: 0,
    fromImageId: id(30),
    fromSnapshotId: null,
    ...labels,
    accountId: id(2),
    reason: null,
    createdAt: sample.atText,
  },
  image: {
    id: id(30),
    name: "demo",
    state: "ready",
    kind: "vm",
    sizeBytes: 2 ** 26,
    public: true,
    accountId: null,
    reason: null,
    createdAt: sample.atText,
  },
  snapshot: {
    id: id(40),
    name: "before",
    state: "ready",
    source: { kind: "machine", id: id(10) },
    parentId: null,
    points: [{ id: id(41), volumeId: id(20), sizeBytes: 2 ** 20, role: "root" }],
    consistency: { label: "memory", pauseMs: 14.5, freezeMs: 0, skewMs: 0, note: null },
    memory: null,
    bytes: { exclusive: 4096, shared: 8192, freedIfDeleted: 4096 },
    recovery: false,
    current: true,
    expiresAt: null,
    machine: {
      memoryMiB: 256,
      cpus: 2,
      disks: [{ volumeId: id(20), slot: 0, role: "root" }],
      running: true,
    },
    ...labels,
    accountId: id(2),
    createdAt: sample.atText,
    readyAt: sample.atText,
    reason: null,
  },
  summary: {
    id: id(90),
    kind: "machine-create",
    state: "running",
    target: { kind: "machine", id: id(10) },
    subjectId: id(10),
    caller: null,
    progress: 40,
    message: "copying",
    reason: null,
    fault: null,
    cancelled: false,
    accountId: id(2),
    createdAt: sample.atText,
    startedAt: sample.atText,
    endedAt: null,
  },
}
const going = <T>(resource: T) => ({ ...resource, operationId: id(90) })
const caller = { face: "native", address: expect.any(String), key: null }
const asking = { who: sample.admin, caller }

type Story = {
  route: string
  path?: string
  sent?: Sent
  /** The core's verb, what it answers, and what it must have been given. */
  verb?: string
  says?: unknown
  given?: unknown[]
  status: number
  body: unknown
}

const put = (body: object): Sent => ({ method: "POST", body })
const post: Sent = { method: "POST" }
const remove: Sent = { method: "DELETE" }

const stories: Story[] = [
  { route: "GET /", status: 200, body: expect.objectContaining({ name: "tintype" }) },
  { route: "GET /api", status: 200, body: expect.objectContaining({ api: "/api/openapi.json" }) },
  { route: "GET /livez", status: 200, body: { live: true } },
  {
    route: "GET /readyz",
    verb: "house.readiness",
    says: { ready: true, details: { ledger: "ok" } },
    status: 200,
    body: { ready: true, details: { ledger: "ok" } },
  },
  {
    route: "GET /readyz",
    verb: "house.readiness",
    says: { ready: false, details: { ledger: "disk full" } },
    status: 503,
    body: { ready: false, details: { ledger: "disk full" } },
  },
  {
    route: "GET /api/openapi.json",
    status: 200,
    body: expect.objectContaining({ openapi: "3.1.1" }),
  },
  {
    route: "GET /api/whoami",
    verb: "identity.account",
    says: sample.account,
    given: [id(2)],
    status: 200,
    body: { userId: id(1), role: "admin", accountId: id(2), login: "admin" },
  },
  {
    route: "GET /api/doctor",
    verb: "house.doctor",
    says: ok([{ severity: "note", what: "no KVM", remedy: null }]),
    given: [sample.admin, { fix: false, rebuild: false }],
    status: 200,
    body: { items: [{ severity: "note", what: "no KVM", remedy: null }] },
  },
  {
    route: "POST /api/doctor",
    sent: put({ fix: true }),
    verb: "house.doctor",
    says: ok([]),
    given: [sample.admin, { fix: true, rebuild: false }],
    status: 200,
    body: { items: [] },
  },
  {
    route: "POST /api/accounts",
    sent: put({ login: "acme", apiKey: "k" }),
    verb: "identity.createAccount",
    says: ok(credentials),
    given: [asking, { login: "acme", apiKey: "k" }],
    status: 201,
    body: {
      id: id(2),
      login: "admin",
      password: "p",
      apiKey: "k",
      refreshToken: "r",
      tenantId: sample.account.tenantId,
      accountNumber: 100001,
      token: "t",
    },
  },
  {
    route: "GET /api/accounts",
    verb: "identity.listAccounts",
    says: ok([sample.account]),
    given: [sample.admin, { limit: 101 }],
    status: 200,
    body: {
      items: [
        {
          id: id(2),
          login: "admin",
          tenantId: sample.account.tenantId,
          accountNumber: 100001,
          createdAt: sample.atText,
        },
      ],
      next: null,
    },
  },
  {
    route: "POST /api/users",
    sent: put({ name: "eve", account: "acme", role: "reader" }),
    verb: "identity.createUser",
    says: ok(credentials),
    given: [asking, { name: "eve", account: "acme", role: "reader" }],
    status: 201,
    body: {
      id: id(5),
      name: "acme",
      account: "admin",
      role: "member",
      password: "p",
      apiKey: "k",
      refreshToken: "r",
      token: "t",
    },
  },
  {
    route: "POST /api/keys",
    sent: put({ publicKey: key.publicKey, user: "bob" }),
    verb: "identity.addKey",
    says: ok(key),
    given: [asking, { publicKey: key.publicKey, user: "bob" }],
    status: 201,
    body: {
      id: id(6),
      name: "laptop",
      fingerprint: "aa:bb",
      publicKey: key.publicKey,
      createdAt: sample.atText,
    },
  },
  {
    route: "GET /api/keys",
    verb: "identity.listKeys",
    says: ok([key]),
    status: 200,
    body: { items: [expect.objectContaining({ name: "laptop" })], next: null },
  },
  {
    route: "POST /api/images/demo",
    sent: post,
    verb: "images.buildDemo",
    says: ok(started(sample.image)),
    given: [asking],
    status: 202,
    body: going(rendered.image),
  },
  {
    route: "POST /api/images",
    path: "/api/images?name=mine&format=qcow2&sizeBytes=1048576",
    sent: { method: "POST", body: Buffer.from("QFI") },
    verb: "images.importFrom",
    says: ok(started(sample.image, done)),
    given: [
      asking,
      {
        name: "mine",
        format: "qcow2",
        source: expect.objectContaining({ format: "qcow2", lengthBytes: 3, diskBytes: 2 ** 20 }),
      },
    ],
    status: 201,
    body: going(rendered.image),
  },
  {
    route: "GET /api/images",
    verb: "images.list",
    says: ok([sample.image]),
    given: [sample.admin, { limit: 101 }],
    status: 200,
    body: { items: [rendered.image], next: null },
  },
  {
    route: "GET /api/images/:id",
    verb: "images.get",
    says: ok(sample.image),
    given: [sample.admin, id(30)],
    status: 200,
    body: rendered.image,
  },
  {
    route: "DELETE /api/images/:id",
    sent: remove,
    verb: "images.remove",
    says: ok(started(sample.image)),
    given: [asking, id(30)],
    status: 202,
    body: going(rendered.image),
  },
  {
    route: "POST /api/machines",
    sent: put({
      name: "web",
      imageId: id(30).toUpperCase(),
      kind: "vm",
      memoryMiB: 256,
      cpus: 2,
      diskSizeBytes: 1024,
      volumeIds: [id(21)],
    }),
    verb: "machines.create",
    says: ok(started(sample.machine)),
    given: [
      asking,
      {
        name: "web",
        imageId: id(30),
        kind: "vm",
        memoryMiB: 256,
        cpus: 2,
        diskSizeBytes: 1024,
        volumeIds: [id(21)],
      },
    ],
    status: 202,
    body: going(rendered.machine),
  },
  {
    route: "GET /api/machines",
    path: "/api/machines?limit=1&name=web&allAccounts=true",
    verb: "machines.list",
    says: ok([sample.machine, { ...sample.machine, id: id(11) }]),
    given: [sample.admin, { limit: 2, name: "web", allAccounts: true }],
    status: 200,
    body: { items: [rendered.machine], next: Buffer.from(id(10)).toString("base64url") },
  },
  {
    route: "GET /api/machines",
    path: `/api/machines?after=${Buffer.from(id(10)).toString("base64url")}`,
    verb: "machines.list",
    says: ok([]),
    given: [sample.admin, { limit: 101, after: id(10) }],
    status: 200,
    body: { items: [], next: null },
  },
  {
    route: "GET /api/machines/:id",
    verb: "machines.get",
    says: ok(sample.machine),
    given: [sample.admin, id(10)],
    status: 200,
    body: rendered.machine,
  },
  ...(
    [
      ["start", undefined, []],
      ["stop", undefined, [{ hard: false }]],
      ["stop", { hard: true }, [{ hard: true }]],
      ["reboot", undefined, []],
      ["resize", { cpus: 2 }, [{ cpus: 2, restart: false }]],
      ["resize", { memoryMiB: 64, restart: true }, [{ memoryMiB: 64, restart: true }]],
      ["attach", { volumeId: id(21) }, [id(21)]],
      ["detach", { volumeId: id(21) }, [id(21)]],
      ["revert", { snapshotId: id(40) }, [{ snapshotId: id(40) }]],
      // biome-ignore lint/suspicious/noThenProperty: the wire's word
      ["revert", { snapshotId: id(40), then: "start" }, [{ snapshotId: id(40), then: "start" }]],
    ] as const
  ).map(
    ([verb, body, given]): Story => ({
      route: `POST /api/machines/:id/${verb}`,
      sent: body === undefined ? post : put(body),
      verb: `machines.${verb}`,
      says: ok(started(sample.machine)),
      given: [asking, id(10), ...given],
      status: 202,
      body: going(rendered.machine),
    }),
  ),
  {
    route: "PATCH /api/machines/:id",
    sent: { method: "PATCH", body: { name: "new", ...written, deletionProtected: true } },
    verb: "machines.change",
    says: ok({ ...sample.machine, ...written }),
    given: [asking, id(10), { name: "new", ...written, deletionProtected: true }],
    status: 200,
    body: { ...rendered.machine, ...written },
  },
  {
    route: "PATCH /api/volumes/:id",
    sent: { method: "PATCH", body: { tags: {} } },
    verb: "volumes.change",
    says: ok({ ...sample.volume, ...written }),
    given: [asking, id(20), { tags: {} }],
    status: 200,
    body: { ...rendered.volume, ...written },
  },
  ...[
    { name: "v", snapshotId: id(40), volumeId: id(21), ...written },
    { name: "v", cloneOf: id(21), sizeBytes: 512 },
  ].map(
    (wish): Story => ({
      route: "POST /api/volumes",
      sent: put(wish),
      verb: "volumes.create",
      says: ok(started(sample.volume)),
      given: [asking, wish],
      status: 202,
      body: going(rendered.volume),
    }),
  ),
  {
    route: "DELETE /api/machines/:id",
    sent: remove,
    verb: "machines.remove",
    says: ok(started(sample.machine)),
    given: [asking, id(10)],
    status: 202,
    body: going(rendered.machine),
  },
  {
    route: "POST /api/machines/:id/exec",
    sent: put({ argv: ["cat", ""], timeoutMs: 1000 }),
    verb: "machines.exec",
    says: ok({
      exitCode: 3,
      stdout: Buffer.from([0, 255]),
      stderr: Buffer.from("no"),
      truncated: false,
    }),
    given: [asking, id(10), { argv: ["cat", ""], timeoutMs: 1000 }],
    status: 200,
    body: { exitCode: 3, stdout: "AP8=", stderr: "bm8=", truncated: false },
  },
  {
    route: "POST /api/volumes",
    sent: put({ name: "data", sizeBytes: 1024 }),
    verb: "volumes.create",
    says: ok(started(sample.volume)),
    given: [asking, { name: "data", sizeBytes: 1024 }],
    status: 202,
    body: going(rendered.volume),
  },
  {
    route: "POST /api/volumes",
    sent: put({ name: "copy", snapshotId: id(40) }),
    verb: "volumes.create",
    says: ok(started(sample.volume)),
    given: [asking, { name: "copy", snapshotId: id(40) }],
    status: 202,
    body: going(rendered.volume),
  },
  {
    route: "GET /api/volumes",
    verb: "volumes.list",
    says: ok([sample.volume]),
    given: [sample.admin, { limit: 101 }],
    status: 200,
    body: { items: [rendered.volume], next: null },
  },
  {
    route: "GET /api/volumes/:id",
    verb: "volumes.get",
    says: ok(sample.volume),
    given: [sample.admin, id(20)],
    status: 200,
    body: rendered.volume,
  },
  {
    route: "DELETE /api/volumes/:id",
    path: `/api/volumes/${id(20)}?cascade=true`,
    sent: remove,
    verb: "volumes.remove",
    says: ok(started(sample.volume)),
    given: [asking, id(20), { cascade: true }],
    status: 202,
    body: going(rendered.volume),
  },
  {
    route: "POST /api/volumes/:id/grow",
    sent: put({ sizeBytes: 2 ** 31 }),
    verb: "volumes.grow",
    says: ok(started(sample.volume)),
    given: [asking, id(20), 2 ** 31],
    status: 202,
    body: going(rendered.volume),
  },
  {
    route: "POST /api/volumes/:id/revert",
    sent: put({ snapshotId: id(40) }),
    verb: "volumes.revert",
    says: ok(started(sample.volume)),
    given: [asking, id(20), id(40)],
    status: 202,
    body: going(rendered.volume),
  },
  {
    route: "PUT /api/volumes/:id/content",
    sent: {
      method: "PUT",
      body: Buffer.from("frames"),
      headers: { "content-type": "application/vnd.tintype.sparse" },
    },
    verb: "volumes.importFrom",
    says: ok(started(sample.volume, done)),
    given: [asking, id(20), expect.objectContaining({ format: "sparse", lengthBytes: 6 })],
    status: 200,
    body: going(rendered.volume),
  },
  {
    route: "POST /api/snapshots",
    sent: put({ name: "before", machineId: id(10), memory: true, ...written }),
    verb: "snapshots.create",
    says: ok(started(sample.snapshot)),
    given: [
      asking,
      { name: "before", source: { kind: "machine", id: id(10) }, memory: true, ...written },
    ],
    status: 202,
    body: going(rendered.snapshot),
  },
  {
    route: "GET /api/snapshots",
    path: `/api/snapshots?volumeId=${id(20)}&limit=1000`,
    verb: "snapshots.list",
    says: ok([sample.snapshot]),
    given: [sample.admin, { limit: 1001, source: { kind: "volume", id: id(20) } }],
    status: 200,
    body: { items: [rendered.snapshot], next: null },
  },
  {
    route: "GET /api/snapshots/:id",
    verb: "snapshots.get",
    says: ok(sample.snapshot),
    given: [sample.admin, id(40)],
    status: 200,
    body: rendered.snapshot,
  },
  {
    route: "PATCH /api/snapshots/:id",
    sent: { method: "PATCH", body: { name: "new", ...written } },
    verb: "snapshots.change",
    says: ok({ ...sample.snapshot, ...written }),
    given: [asking, id(40), { name: "new", ...written }],
    status: 200,
    body: { ...rendered.snapshot, ...written },
  },
  {
    route: "DELETE /api/snapshots/:id",
    sent: remove,
    verb: "snapshots.remove",
    says: ok(started(sample.snapshot)),
    given: [asking, id(40)],
    status: 202,
    body: { id: id(40), state: "deleting", operationId: id(90) },
  },
  {
    route: "GET /api/operations",
    path: `/api/operations?unended=true&targetId=${id(10)}`,
    verb: "operations.list",
    says: ok([sample.operation]),
    given: [sample.admin, { limit: 101, unendedOnly: true, targetId: id(10) }],
    status: 200,
    body: { items: [rendered.summary], next: null },
  },
  {
    route: "GET /api/operations/:id",
    verb: "operations.get",
    says: ok(sample.operationView),
    given: [sample.admin, id(90)],
    status: 200,
    body: {
      ...rendered.summary,
      steps: [{ step: "claim", event: "started", at: sample.atText, reason: null }],
    },
  },
  {
    route: "GET /api/operations/:id",
    path: `/api/operations/${id(90)}?wait=60`,
    verb: "operations.wait",
    says: ok({
      ...sample.operationView,
      state: "undone",
      reason: "no space",
      fault: { kind: "no-space", neededBytes: 5, freeBytes: 4 },
    }),
    given: [sample.admin, id(90), 60_000],
    status: 200,
    body: expect.objectContaining({
      state: "undone",
      fault: {
        kind: "no-space",
        neededBytes: 5,
        freeBytes: 4,
        detail: "not enough free space: 5 bytes needed, 4 free",
      },
    }),
  },
]

/** Told of in `native-streams.test.ts` and `native-events.test.ts`. */
const streams = [
  "GET /metrics",
  "GET /api/events",
  "GET /api/backup",
  "GET /api/machines/:id/console",
  "GET /api/volumes/:id/content",
  "GET /api/snapshots/:id/content",
]
/** Told in `native-space.test.ts`. */
const spaces = [
  "GET /api/snapshots/:id/diff",
  "GET /api/snapshots/:id/map",
  "POST /api/snapshots/freed",
]
/** Told in `native-quota.test.ts`. */
const quotas = ["PUT /api/accounts/:ref/quota", "GET /api/usage", "POST /api/operations/:id/cancel"]

const idsByNoun: Record<string, string> = {
  machines: id(10),
  volumes: id(20),
  images: id(30),
  snapshots: id(40),
  operations: id(90),
}

describe("each route asks the core for what was wished and tells what it said", () => {
  for (const story of stories) {
    test(`${story.route} ${JSON.stringify(story.sent?.body ?? story.path ?? "")}`, async () => {
      const [, pattern = ""] = story.route.split(" ")
      const noun = pattern.split("/")[2] ?? ""
      const path = story.path ?? pattern.replace(":id", idsByNoun[noun] ?? "")
      if (story.verb !== undefined) script[story.verb] = () => story.says
      const reply = await wire.ask(path, story.sent)
      expect(reply.json).toEqual(story.body)
      expect(reply.status).toBe(story.status)
      expect(reply.headers["x-content-type-options"]).toBe("nosniff")
      expect(reply.headers["x-request-id"]).toMatch(/^[0-9a-f-]{36}$/)
      const asked = calls.find(({ verb }) => verb === story.verb)
      if (story.given !== undefined) expect(asked?.args).toEqual(story.given)
      if (story.status === 202) {
        expect(reply.headers.location).toBe(`/api/operations/${id(90)}`)
      }
      const told = routeOf(story.route)?.story?.answers[story.status]
      if (typeof told !== "string")
        expect((told as ZodType).safeParse(reply.json).error).toBe(undefined)
    })
  }

  test("no route is without such a story", () => {
    const told = new Set([...stories.map(({ route }) => route), ...streams, ...spaces, ...quotas])
    const all = face.routes.map(({ method, path }) => `${method} ${path}`)
    expect(all.filter((route) => !told.has(route))).toEqual([])
    expect([...told].filter((route) => !all.includes(route))).toEqual([])
  })
})

const routeOf = (told: string) =>
  face.routes.find(({ method, path }) => `${method} ${path}` === told)

describe("who asks", () => {
  const guarded = face.routes.filter(({ open }) => !open)
  for (const { method, path } of guarded) {
    test(`${method} ${path} answers nobody without a token, and all alike`, async () => {
      const at = path.replace(":id", id(10))
      const replies = []
      for (const authorization of ["", "Bearer wrong", "Basic Z29vZA==", "Bearer ", "good-token"]) {
        const headers = authorization === "" ? {} : { authorization }
        replies.push(await wire.ask(at, { method, token: null, headers }))
      }
      const bodies = replies.map(({ json }) => ({ ...json, requestId: "" }))
      expect(new Set(bodies.map((body) => JSON.stringify(body))).size).toBe(1)
      expect(bodies[0]).toMatchObject({ status: 401, kind: "unauthenticated" })
      for (const { status, headers } of replies) {
        expect(status).toBe(401)
        expect(headers["www-authenticate"]).toBe('Bearer realm="tintype"')
      }
      expect(calls.filter(({ verb }) => verb !== "identity.byToken")).toEqual([])
    })
  }

  test("the administrator acts for the account named in the header", async () => {
    script["machines.list"] = () => ok([])
    await wire.ask("/api/machines", { headers: { "x-tintype-account": "acme" } })
    expect(calls.at(-1)?.args[0]).toMatchObject({ accountId: id(3), everywhere: false })
    const unknown = await wire.ask("/api/machines", { headers: { "x-tintype-account": "nobody" } })
    expect(unknown.json).toMatchObject({ status: 404, kind: "not-found", what: "account" })
  })
})

describe("a request sent again", () => {
  beforeAll(() => {
    script["machines.create"] = () => ok({ ...started(sample.machine), replayed: true })
  })
  const wish = { name: "web", imageId: id(30) }
  const repeatOf = async (sent: Sent, path = "/api/machines") => {
    await wire.ask(path, { method: "POST", ...sent })
    const asked = calls.at(-1)?.args[0] as { repeat?: { key: string; requestHash: string } }
    return asked.repeat
  }

  test("carries its key and the hash of all that makes it this request", async () => {
    const headers = { "idempotency-key": "once" }
    const first = await repeatOf({ headers, body: wish })
    expect(first).toEqual({ key: "once", requestHash: expect.stringMatching(/^[0-9a-f]{64}$/) })
    expect(await repeatOf({ headers, body: wish })).toEqual(first)
    expect((await repeatOf({ headers, body: { ...wish, name: "wob" } }))?.requestHash).not.toBe(
      first?.requestHash,
    )
    expect(await repeatOf({ body: wish })).toBe(undefined)
  })

  test("is answered with a mark", async () => {
    const reply = await wire.ask("/api/machines", { method: "POST", body: wish })
    expect(reply.headers["idempotent-replayed"]).toBe("true")
  })

  test("is refused under a key that is none", async () => {
    for (const key of ["", "x".repeat(256), "caf\u00e9"]) {
      const headers = { "idempotency-key": Buffer.from(key).toString("latin1") }
      const reply = await wire.ask("/api/machines", { method: "POST", body: wish, headers })
      expect(reply.json).toMatchObject({ status: 400, field: "Idempotency-Key" })
    }
  })
})

test("a machine without a process and a snapshot without a machine say null", async () => {
  script["machines.get"] = () => ok({ ...sample.machine, process: null, state: "stopped" })
  expect((await wire.ask(`/api/machines/${id(10)}`)).json).toMatchObject({
    pid: null,
    accelerator: null,
  })
  script["snapshots.get"] = () => ok({ ...sample.snapshot, machine: null, consistency: null })
  expect((await wire.ask(`/api/snapshots/${id(40)}`)).json).toMatchObject({
    machine: null,
    consistency: null,
  })
})
