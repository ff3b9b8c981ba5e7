/** Every route of the Hostway face, once as it is meant, in both families of URIs. */
import { generateKeyPairSync } from "node:crypto"
import { request } from "node:https"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { no, ok } from "../../src/domain/fault.ts"
import { faces } from "../../src/faces/registry.ts"
import type { FaceSettings } from "../../src/faces/settings.ts"
import { basic, hostwayFace } from "../fixtures/hostway-house.ts"
import * as sample from "../fixtures/scripted-core.ts"
import { selfSigned } from "../fixtures/self-signed.ts"
import { type Sent, type Wire, wireTo } from "../fixtures/wire.ts"

const { id, started, admin } = sample
const { core, calls, script } = sample.scriptedCore({
  "identity.byPasswordOrApiKey": (user: string) =>
    user === "admin" ? ok(admin) : no({ kind: "unauthenticated", why: "who?" }),
  "identity.account": () => sample.account,
})
const face = hostwayFace()
const headers = { authorization: basic("admin", "secret") }
let wire: Wire
beforeAll(async () => {
  wire = await wireTo(face, core)
})
afterAll(() => wire.close())
beforeEach(() => {
  calls.length = 0
})

const family = "/accounts/acme/flexcloud"
const self = (base: string, path: string) => [{ href: `${base}${path}/`, rel: "self" }]
const snapshotId = `snapshot_${id(10)}_2026Jan02_03cs842aav71baqzn3don28u8`
const stamp = "2026-01-02 03:04:05"
const iso = "2026-01-02T03:04:05Z"
const extra = { ...sample.volume, id: id(21), role: "extra", slot: 1 } as const
const withExtra = { ...sample.machine, disks: [sample.volume, extra] }

/** What is told, given where links begin. */
const rendered = {
  inList: (base: string) => ({
    id: id(10),
    zone: "zone-1",
    links: self(base, `/servers/${id(10)}`),
  }),
  server: (base: string) => ({
    status: "ACTIVE",
    updated: null,
    hostId: "here",
    addresses: { public: [], private: [] },
    links: self(base, `/servers/${id(10)}`),
    image: { id: id(30), name: "demo", links: self(base, `/images/${id(30)}`) },
    userId: "100001",
    flavor: { id: 20000256, name: "256M-2", links: self(base, "/flavors/20000256") },
    securityGroup: { id: "", links: [] },
    id: id(10),
    zone: "zone-1",
    name: "web",
    adminPass: null,
    created: iso,
    tenantId: null,
    accessIPv4: "",
    accessIPv6: null,
    progress: 100,
    metadata: {},
  }),
  snapshot: (base: string) => ({
    id: snapshotId,
    name: "before",
    description: "",
    status: "ACTIVE",
    guid: id(40),
    parent_guid: "",
    relation_guid: id(10),
    create_time: stamp,
    links: self(base, `/servers/${id(10)}/snapshots/${snapshotId}`),
  }),
  volume: (base: string) => ({
    id: id(21),
    status: "Open",
    display_name: "data",
    display_description: "",
    size: "1",
    volume_type: "",
    metadata: {},
    availability_zone: "zone-1",
    attachments: [attachment],
    links: self(base, `/volumes/${id(21)}`),
    snapshot_id: "",
    created_at: stamp,
  }),
  image: (base: string) => ({
    id: id(30),
    name: "demo",
    status: "ACTIVE",
    created: iso,
    updated: null,
    links: self(base, `/images/${id(30)}`),
  }),
}
const attachment = { device: "/dev/vdb", serverId: id(10), id: id(21), volumeId: id(21) }
const pending = (base: string) => ({
  ...rendered.snapshot(base),
  ...{ status: "BUILD", guid: "", parent_guid: "", relation_guid: "", create_time: "" },
})
const acting = { ...admin, accountId: id(3), everywhere: false }
const page = { limit: 1000, order: "oldest-first" }
const usual = { state: ["running", "stopped"], ...page }

type Story = {
  route: string
  body?: object
  /** What the core's verbs say, and which of them must have been asked what, last. */
  says?: Record<string, unknown>
  given?: [verb: string, ...args: unknown[]]
  status: number
  location?: string
  told?: (base: string) => unknown
}

const server = `/servers/${id(10)}`
const one = { "machines.get": ok(sample.machine), "images.get": ok(sample.image) }
const oneSnapshot = { ...one, "snapshots.get": ok(sample.snapshot) }
const asks = expect.objectContaining({ caller: expect.objectContaining({ face: "hostway" }) })

const stories: Story[] = [
  {
    route: "GET /zones",
    status: 200,
    told: () => ({ "100001": [{ zone: "zone-1", location: "local" }] }),
  },
  {
    route: "GET /flavors",
    status: 200,
    told: (base) => ({
      flavors: expect.arrayContaining([
        { id: 1, name: "256M", ram: 256, vcpus: 1, links: self(base, "/flavors/1") },
      ]),
    }),
  },
  {
    route: "GET /flavors/20000256",
    status: 200,
    told: (base) => ({
      flavor: {
        ...{ id: 20000256, name: "256M-2", ram: 256, vcpus: 2 },
        links: self(base, "/flavors/20000256"),
      },
    }),
  },
  { route: "GET /flavors/detail", status: 200 },
  {
    route: "GET /images",
    says: { "images.list": ok([sample.image, { ...sample.image, state: "failed" }]) },
    status: 200,
    told: (base) => ({ images: [rendered.image(base)] }),
  },
  { route: "GET /images/detail", says: { "images.list": ok([]) }, status: 200 },
  {
    route: `GET /images/${id(30)}`,
    says: one,
    status: 200,
    told: (base) => ({ image: rendered.image(base) }),
  },
  {
    route: "GET /servers",
    says: { "machines.list": ok([sample.machine]) },
    given: ["machines.list", acting, usual],
    status: 200,
    told: (base) => ({ servers: [rendered.inList(base)] }),
  },
  {
    route: `GET /servers?name=web&status=PROCESSING&image=http://x/images/${id(30)}/&zone=zone-1`,
    says: { "machines.list": ok([sample.machine, { ...sample.machine, work: {} }]) },
    given: ["machines.list", acting, { ...usual, name: "web", imageId: id(30) }],
    status: 200,
    told: (base) => ({ servers: [rendered.inList(base)] }),
  },
  {
    route: "GET /servers?name=&status=&image=&zone=&region=",
    says: { "machines.list": ok([sample.machine]) },
    given: ["machines.list", acting, usual],
    status: 200,
    told: (base) => ({ servers: [rendered.inList(base)] }),
  },
  { route: "GET /servers?status=SUSPENDED", status: 200, told: () => ({ servers: [] }) },
  { route: "GET /servers?zone=elsewhere", status: 200, told: () => ({ servers: [] }) },
  { route: "GET /servers?image=none", status: 200, told: () => ({ servers: [] }) },
  {
    route: "POST /servers",
    body: {
      server: {
        name: "web",
        imageRef: `http://x/images/${id(30)}/`,
        flavorRef: "http://x/flavors/2/",
        adminPass: "ignored",
        zone: "zone-1",
        metadata: { a: "b" },
      },
    },
    says: {
      ...one,
      "machines.create": ok(started({ ...sample.machine, state: "creating" })),
    },
    given: [
      "machines.create",
      asks,
      { name: "web", imageId: id(30), memoryMiB: 512, cpus: 1, metadata: { a: "b" } },
    ],
    status: 202,
    location: server,
    told: (base) => ({
      server: { ...rendered.server(base), status: "BUILD", created: "", progress: 0 },
    }),
  },
  {
    route: `GET ${server}`,
    says: one,
    status: 200,
    told: (base) => ({ server: rendered.server(base) }),
  },
  {
    route: `PUT ${server}`,
    body: { server: { name: "new" } },
    says: { ...one, "machines.change": ok({ ...sample.machine, name: "new" }) },
    given: ["machines.change", asks, id(10), { name: "new" }],
    status: 200,
    told: (base) => ({ server: { ...rendered.server(base), name: "new" } }),
  },
  {
    route: `DELETE ${server}`,
    says: { "machines.remove": ok(started(sample.machine)) },
    given: ["machines.remove", asks, id(10)],
    status: 204,
  },
  ...["action", "actions"].flatMap((action): Story[] => [
    {
      route: `POST ${server}/${action}`,
      body: { reboot: { type: "SOFT" } },
      says: { "machines.reboot": ok(started(sample.machine)) },
      given: ["machines.reboot", asks, id(10), { hard: false }],
      status: 202,
    },
    {
      route: `POST ${server}/${action}`,
      body: { reboot: { type: "HARD" } },
      says: { "machines.reboot": ok(started(sample.machine)) },
      given: ["machines.reboot", asks, id(10), { hard: true }],
      status: 202,
    },
    {
      route: `POST ${server}/snapshots/${snapshotId}/${action}`,
      body: { action: "restore" },
      says: { ...oneSnapshot, "machines.revert": ok(started(sample.machine)) },
      given: ["machines.revert", asks, id(10), { snapshotId: id(40), rootOnly: true }],
      status: 202,
    },
  ]),
  {
    route: `POST ${server}/action`,
    body: { "os-start": null },
    says: { "machines.start": ok(started(sample.machine)) },
    given: ["machines.start", asks, id(10)],
    status: 202,
  },
  {
    route: `POST ${server}/action`,
    body: { "os-stop": null },
    says: { "machines.stop": ok(started(sample.machine)) },
    given: ["machines.stop", asks, id(10), { hard: false }],
    status: 202,
  },
  {
    route: `POST ${server}/action`,
    body: { resize: { flavor: { id: "3" } } },
    says: { ...one, "machines.resize": ok(started(sample.machine)) },
    given: ["machines.resize", asks, id(10), { memoryMiB: 1024, cpus: 1, restart: true }],
    status: 202,
  },
  {
    route: `POST ${server}/snapshots`,
    body: { snapshot: { name: "before" } },
    says: { "snapshots.create": ok(started({ ...sample.snapshot, state: "creating" })) },
    given: [
      "snapshots.create",
      asks,
      {
        name: "before",
        description: "",
        sourceRule: { extras: "refused" },
        nameRule: { unique: true },
        // biome-ignore lint/suspicious/noThenProperty: a word of the core; its value is no function
        countRule: { most: 3, then: "refuse" },
        source: { kind: "machine", id: id(10) },
      },
    ],
    status: 202,
    location: `${server}/snapshots/${snapshotId}`,
    told: (base) => ({ snapshot: pending(base) }),
  },
  {
    route: `GET ${server}/snapshots`,
    says: {
      ...one,
      "snapshots.points": ok([{ point: {}, snapshot: sample.snapshot, progress: 100 }]),
    },
    given: [
      "snapshots.points",
      acting,
      { volumeId: id(20), allAccounts: expect.any(Boolean), state: ["creating", "ready"], ...page },
    ],
    status: 200,
    told: (base) => ({ snapshots: [rendered.snapshot(base)] }),
  },
  {
    route: `GET ${server}/snapshots/${snapshotId}`,
    says: oneSnapshot,
    status: 200,
    told: (base) => ({ snapshot: rendered.snapshot(base) }),
  },
  {
    route: `DELETE ${server}/snapshots/${snapshotId}`,
    says: { ...oneSnapshot, "snapshots.remove": ok(started(sample.snapshot)) },
    given: ["snapshots.remove", asks, id(40)],
    status: 204,
  },
  {
    route: "POST /volumes",
    body: {
      volume: {
        ...{ display_name: "data", display_description: null, size: 2, volume_type: "" },
        ...{ metadata: { contents: "junk" }, availability_zone: "zone-1" },
      },
    },
    says: { "volumes.create": ok(started({ ...extra, machineId: null, state: "creating" })) },
    given: [
      "volumes.create",
      asks,
      {
        ...{ name: "data", description: "", metadata: { contents: "junk" }, type: null },
        sizeBytes: 2 ** 31,
      },
    ],
    status: 202,
    location: `/volumes/${id(21)}`,
    told: (base) => ({
      volume: {
        ...rendered.volume(base),
        ...{ status: "Pending", attachments: [], size: 1, created_at: iso },
      },
    }),
  },
  ...["/volumes", "/volumes/detail"].map(
    (path): Story => ({
      route: `GET ${path}`,
      says: { "volumes.list": ok([extra]) },
      given: [
        "volumes.list",
        acting,
        { role: "extra", state: ["creating", "available", "in-use", "deleting"], ...page },
      ],
      status: 200,
      told: (base) => ({ volumes: [rendered.volume(base)] }),
    }),
  ),
  {
    route: `GET /volumes/${id(21)}`,
    says: { "volumes.get": ok(extra) },
    status: 200,
    told: (base) => ({ volume: rendered.volume(base) }),
  },
  {
    route: `DELETE /volumes/${id(21)}`,
    says: { "volumes.get": ok(extra), "volumes.remove": ok(started(extra)) },
    given: ["volumes.remove", asks, id(21), { cascade: false, recovery: "goes-along" }],
    status: 204,
  },
  {
    route: `POST ${server}/os-volume_attachments`,
    body: { volumeAttachment: { volumeId: id(21), device: "/dev/sdx" } },
    says: {
      "machines.attach": ok(started(withExtra)),
      "operations.wait": ok({ ...sample.operationView, ...sample.done }),
    },
    given: ["machines.attach", asks, id(10), id(21)],
    status: 200,
    told: () => ({ volumeAttachment: attachment }),
  },
  {
    route: `GET ${server}/os-volume_attachments`,
    says: { "machines.get": ok(withExtra) },
    status: 200,
    told: () => ({ volumeAttachments: [attachment] }),
  },
  {
    route: `DELETE ${server}/os-volume_attachments/${id(21)}`,
    says: {
      "machines.get": ok(withExtra),
      "machines.detach": ok(started(withExtra)),
      "operations.wait": ok({ ...sample.operationView, ...sample.done }),
    },
    given: ["machines.detach", asks, id(10), id(21)],
    status: 204,
  },
]

async function tell(story: Story, prefix: string, slash: string) {
  for (const [verb, said] of Object.entries(story.says ?? {})) script[verb] = () => said
  const [method = "", path = ""] = story.route.split(" ")
  const [place, query] = path.split("?")
  const sent: Sent = { method, headers, token: null }
  const url = `${prefix}${place}${slash}${query === undefined ? "" : `?${query}`}`
  const reply = await wire.ask(url, story.body ? { ...sent, body: story.body } : sent)
  const base = `${wire.url}${prefix}`
  expect(reply.status, reply.bytes.toString()).toBe(story.status)
  expect(reply.headers.location).toBe(story.location && `${base}${story.location}/`)
  if (story.told === undefined) return
  expect(reply.json).toEqual(story.told(base))
}

describe.each([
  ["short", ""],
  ["long", family],
])("the %s family", (name, prefix) => {
  for (const story of stories) {
    test(`${story.route} ${JSON.stringify(story.body ?? "")}`, async () => {
      await tell(story, prefix, "")
      await tell(story, prefix, "/")
      const [verb, ...args] = story.given ?? []
      if (verb === undefined) return
      const asked = calls.filter((call) => call.verb === verb)
      const whole = args.map((arg) => (name === "short" && arg === acting ? admin : arg))
      expect(asked.map((call) => call.args)).toEqual([whole, whole])
    })
  }
})

test("no route is without its story", () => {
  const shapes = face.routes.map(({ method, path }) => {
    const escaped = path.replace("/accounts/:account/flexcloud", "").replace(/:\w+/g, "[^/]+")
    return { name: `${method} ${path}`, like: new RegExp(`^${method} ${escaped}(\\?.*)?$`) }
  })
  const untold = shapes
    .filter(({ like }) => !stories.some(({ route }) => like.test(route)))
    .map(({ name }) => name)
  expect(untold).toEqual(["GET /accounts", "GET /accounts/:account"])
})

describe("accounts", () => {
  const shown = () => ({
    id: "100001",
    name: "admin",
    links: [{ href: `${wire.url}/accounts/100001/`, rel: "self" }],
  })
  const ask = (path: string) => wire.ask(path, { headers, token: null })

  test("of the administrator are all there are", async () => {
    script["identity.listAccounts"] = () => ok([sample.account])
    expect((await ask("/accounts/")).json).toEqual({ accounts: [shown()] })
  })

  test("are found by what a path may name them by", async () => {
    expect((await ask("/accounts/acme/")).json).toEqual({ account: shown() })
    const reply = await ask("/accounts/nobody/flexcloud/servers")
    expect([reply.status, reply.json.itemNotFound.details]).toEqual([404, "no account nobody"])
  })
})

test("the documents' other readings are there for those who want them", async () => {
  const settings = { pendingCreateTime: "0000-00-00 00:00:00", listStatus: 202, maxSnapshots: 5 }
  const other = await wireTo(faces.hostway({ hostway: settings } as FaceSettings), core)
  script["machines.get"] = () => ok(sample.machine)
  script["snapshots.points"] = () => ok([])
  script["snapshots.create"] = () => ok(started({ ...sample.snapshot, state: "creating" }))
  const path = `${server}/snapshots`
  const list = await other.ask(path, { headers, token: null })
  expect([list.status, list.json]).toEqual([202, { snapshots: [] }])
  const body = { snapshot: { name: "n" } }
  const made = await other.ask(path, { method: "POST", headers, token: null, body })
  await other.close()
  expect(made.json.snapshot.create_time).toBe("0000-00-00 00:00:00")
  const wish = calls.find(({ verb }) => verb === "snapshots.create")?.args[1]
  expect(wish).toMatchObject({ countRule: { most: 5 } })
})

test("links say https where TLS was spoken", async () => {
  const tls = selfSigned(generateKeyPairSync("ec", { namedCurve: "P-256" }))
  const secure = await wireTo(face, core, { tls })
  script["machines.list"] = () => ok([sample.machine])
  const text = await new Promise<string>((resolve, reject) => {
    const options = { headers: { ...headers, host: "cloud.example" }, rejectUnauthorized: false }
    const asked = request(`${secure.url}/servers`, options, (response) => {
      let body = ""
      response.on("data", (piece) => {
        body += piece
      })
      response.on("end", () => resolve(body))
    })
    asked.once("error", reject).end()
  })
  await secure.close()
  expect(JSON.parse(text)).toEqual({ servers: [rendered.inList("https://cloud.example")] })
})

describe("nobody", () => {
  for (const { method, path } of face.routes) {
    test(`${method} ${path} is 401 in plain text, and the core is asked nothing`, async () => {
      const reply = await wire.ask(path.replace(/:\w+/g, id(10)), { method, token: null })
      expect(reply.status).toBe(401)
      expect(reply.headers["www-authenticate"]).toMatch(/^Basic /)
      expect(reply.bytes.toString()).toMatch(/^401 Unauthorized\n\n/)
      expect(calls).toEqual([])
    })
  }
})
