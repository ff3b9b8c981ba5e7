/** What v1 refuses, in whose words, in both formats; and that nothing is changed by it. */
import { describe, expect, test } from "vitest"
import type { VolumeId } from "../../src/domain/ids.ts"
import type { VolumeState } from "../../src/domain/volume.ts"
import { right } from "../crash/world.ts"
import { GiB, openstackForEachTest, type Tenant, xmlOf } from "../fixtures/openstack-house.ts"
import { randomFrom } from "../fixtures/server-process.ts"
import type { Reply } from "../fixtures/wire.ts"

const house = openstackForEachTest()
const seed = Number(process.env["TINTYPE_SEED"] ?? Date.now() % 1_000_000)
const unknown = "01930000-0000-7000-8000-0000000000ff"

type Asked = { method?: string; path: string; body?: object | string; type?: string }
type Told = [status: number, name: string, message: string | RegExp]

/** Asks for JSON and for XML, expects the same of both, and that nothing is different afterwards. */
async function refused(tenant: Tenant, asked: Asked, [status, name, message]: Told) {
  const { method = "POST", path, body, type } = asked
  const before = await everything(tenant)
  const sent = (accept: string) => ({
    method,
    ...(body === undefined ? {} : { body }),
    headers: { accept, ...(type === undefined ? {} : { "content-type": type }) },
  })
  const [json, xml] = [
    await tenant.v1(path, sent("application/json")),
    await tenant.v1(path, sent("application/xml")),
  ]
  const matching = typeof message === "string" ? message : expect.stringMatching(message)
  expect([json.status, json.json]).toEqual([
    status,
    { [name]: expect.objectContaining({ code: status, message: matching }) },
  ])
  expect(xml.status).toBe(status)
  expect(xmlOf(xml)[name]).toMatchObject({ "@code": `${status}`, message: matching })
  expect(await everything(tenant)).toEqual(before)
  return json
}

const everything = async (tenant: Tenant) => [
  (await tenant.v1("/volumes/detail")).json,
  (await tenant.v1("/snapshots/detail")).json,
]
const inState = (id: VolumeId, state: VolumeState) =>
  house.house.stage.making.ledger.transaction(({ volumes }) => volumes.change(id, { state }))
const snapshotOf = (volume_id: unknown, more: object = {}): Asked => ({
  path: "/snapshots",
  body: { snapshot: { volume_id, ...more } },
})
const volumeOf = (wish: object): Asked => ({ path: "/volumes", body: { volume: wish } })

describe("a snapshot", () => {
  test("of an attached volume needs force, and is then taken", async () => {
    const acme = await house.tenant("acme")
    const { root } = await house.machine(acme.who)
    const message = `Invalid volume: Volume ${root} status must be available, but current status is: in-use.`
    for (const force of [undefined, null, false, "False", "no", 0, "0"]) {
      await refused(acme, snapshotOf(root, { force }), [400, "badRequest", message])
    }
    for (const force of [true, "True", "1", "yes", "ON", 1]) {
      const made = await acme.v1("/snapshots", {
        method: "POST",
        body: snapshotOf(root, { force }).body as object,
      })
      expect([made.status, made.json.snapshot.status]).toEqual([200, "creating"])
    }
  })

  test("of a volume that is being made, or could not be, is refused whatever the force", async () => {
    const acme = await house.tenant("acme")
    const volume = await house.volume(acme.who)
    for (const [state, word] of [
      ["creating", "creating"],
      ["failed", "error"],
    ] as const) {
      await inState(volume, state)
      for (const force of [true, false]) {
        const message = new RegExp(
          `^Invalid volume: Volume ${volume} status must be available.*is: ${word}\\.$`,
        )
        await refused(acme, snapshotOf(volume, { force }), [400, "badRequest", message])
      }
    }
  })

  test("needs a volume that is there, and says what it does not understand", async () => {
    const acme = await house.tenant("acme")
    const volume = await house.volume(acme.who)
    const missing = "'volume_id' must be specified"
    for (const none of [undefined, null, ""]) {
      await refused(acme, snapshotOf(none), [400, "badRequest", missing])
    }
    for (const id of [unknown, "nonsense"]) {
      await refused(acme, snapshotOf(id), [404, "itemNotFound", `Volume ${id} could not be found.`])
    }
    for (const force of ["maybe", 2, {}, [], "truee"]) {
      await refused(acme, snapshotOf(volume, { force }), [
        400,
        "badRequest",
        /^Invalid value '.*' for force\. $/,
      ])
    }
    await refused(acme, snapshotOf(volume, { display_name: 7 }), [
      400,
      "badRequest",
      /is not a string/,
    ])
    await refused(acme, snapshotOf(volume, { display_name: "x".repeat(256) }), [
      400,
      "badRequest",
      /256 characters/,
    ])
    await refused(acme, snapshotOf(volume, { display_name: "a\u0000b" }), [
      400,
      "badRequest",
      /control characters/,
    ])
    await refused(acme, snapshotOf(volume, { metadata: [1] }), [
      400,
      "badRequest",
      /^Invalid metadata/,
    ])
    for (const body of [
      {},
      { snapshot: null },
      { snapshot: "x" },
      { snapshot: [] },
      { volume: {} },
      "[]",
      "7",
      "",
    ]) {
      const contained = "Unable to process the contained instructions"
      await refused(acme, { path: "/snapshots", body }, [422, "unprocessableEntity", contained])
    }
  })

  test("that is not there is 404 for all verbs", async () => {
    const acme = await house.tenant("acme")
    for (const id of [unknown, "nonsense"]) {
      const told: Told = [404, "itemNotFound", `Snapshot ${id} could not be found.`]
      const path = `/snapshots/${id}`
      for (const method of ["GET", "DELETE"]) await refused(acme, { method, path }, told)
      await refused(acme, { method: "PUT", path, body: { snapshot: { display_name: "x" } } }, told)
      await refused(acme, { method: "GET", path: `${path}/metadata` }, told)
    }
  })
})

describe("a volume", () => {
  test("has a size in whole GiB within the bounds of its type", async () => {
    const acme = await house.tenant("acme")
    const sizes: [unknown, string][] = [
      [undefined, "None"],
      [null, "None"],
      ["", ""],
      [0, "0.0"],
      [-1, "-1.0"],
      ["-1", "-1.0"],
      [1.5, "1.5"],
      ["x", "x"],
      [true, "true"],
    ]
    for (const [size, shown] of sizes) {
      const message = `Volume 'size' needs to be a positive integer value, ${shown} cannot be accepted.`
      await refused(acme, volumeOf({ size }), [400, "badRequest", message])
    }
    for (const [size, volume_type] of [
      [1025, "SATA"],
      [49, "SSD"],
      ["49", "2"],
      [999_999_999, null],
    ]) {
      await refused(acme, volumeOf({ size, volume_type }), [400, "badRequest", /must be between/])
    }
    await refused(acme, volumeOf({ size: 1, volume_type: "TAPE" }), [
      404,
      "itemNotFound",
      /^Volume type with name TAPE/,
    ])
    await refused(acme, volumeOf({ size: 1, imageRef: unknown }), [400, "badRequest", /^imageRef/])
    await refused(acme, { path: "/volumes", body: {} }, [422, "unprocessableEntity", /./])
  })

  test("is no smaller than what it is made of, which must be there", async () => {
    const acme = await house.tenant("acme")
    const volume = await house.volume(acme.who, "v", 3 * GiB)
    const snapshot_id = await house.snapshot(acme.who, volume)
    const message =
      "Invalid input received: Volume size '2'GB cannot be smaller than the snapshot size 3GB. They must be >= original snapshot size."
    await refused(acme, volumeOf({ snapshot_id, size: 2 }), [400, "badRequest", message])
    for (const id of [unknown, "nonsense"]) {
      const none = `snapshot id:${id} not found`
      await refused(acme, volumeOf({ snapshot_id: id, size: 5 }), [404, "itemNotFound", none])
      const noVolume = `source volume id:${id} not found`
      await refused(acme, volumeOf({ source_volid: id }), [404, "itemNotFound", noVolume])
    }
    await refused(acme, volumeOf({ snapshot_id, source_volid: volume }), [
      400,
      "badRequest",
      /both/,
    ])
    await house.house.stage.making.ledger.transaction(async ({ points, snapshots }) => {
      const point = await points.get(snapshot_id)
      await snapshots.change(`${point?.snapshotId}`, { state: "failed" })
    })
    const failed = `Invalid snapshot: Snapshot ${snapshot_id} status must be available, but current status is: error.`
    await refused(acme, volumeOf({ snapshot_id, size: 3 }), [400, "badRequest", failed])
    await refused(acme, { method: "GET", path: "/types/7" }, [404, "itemNotFound", /./])
  })

  test("stays while it is attached or has snapshots", async () => {
    const acme = await house.tenant("acme")
    const volume = await house.volume(acme.who)
    const { root } = await house.machine(acme.who)
    const ids = [await house.snapshot(acme.who, volume)]
    const path = `/volumes/${volume}`
    const rule =
      "^Invalid volume: Volume status must be available or error, and it must not be attached or have snapshots"
    const remove = { method: "DELETE", path }
    const hindering = async () => {
      const told = await refused(acme, remove, [400, "badRequest", new RegExp(rule)])
      return told.json.badRequest.message.slice(rule.length - 1)
    }
    const of = `, but of volume ${volume}: it has`
    expect(await hindering()).toBe(`${of} 1 dependent snapshot: ${ids[0]}.`)
    for (let nth = 1; nth < 9; nth++) ids.unshift(await house.snapshot(acme.who, volume))
    const eight = ids.slice(0, 8).join(", ")
    expect(await hindering()).toBe(`${of} 9 dependent snapshots: ${eight} and others.`)
    const ofMachine = { method: "DELETE", path: `/volumes/${root}` }
    await refused(acme, ofMachine, [400, "badRequest", new RegExp(`${rule}.*is attached`)])
  })
})

test("a change says what is to be changed", async () => {
  const acme = await house.tenant("acme")
  const volume = await house.volume(acme.who)
  const paths = [`/volumes/${volume}`, `/snapshots/${await house.snapshot(acme.who, volume)}`]
  for (const path of paths) {
    for (const body of ["", "[]", {}, { snapshot: null }, { volume: "x" }, { status: "error" }]) {
      const contained = "Unable to process the contained instructions"
      await refused(acme, { method: "PUT", path, body }, [422, "unprocessableEntity", contained])
    }
    const long = { display_description: "x".repeat(256) }
    await refused(acme, { method: "PUT", path, body: long }, [400, "badRequest", /256 characters/])
  }
})

test("quotas: what is used up is 413 overLimit; who may, says how much there is", async () => {
  const acme = await house.tenant("acme")
  const admin = right(
    await house.house.core().identity.issueToken(house.house.stage.who, { livesMs: 3_600_000 }),
  )
  const asAdmin = house.asks(admin.token)
  const volume = await house.volume(acme.who, "v", 2 * GiB)
  await house.snapshot(acme.who, volume)
  const path = `/os-quota-sets/${acme.accountNumber}`
  const set = {
    quota_set: { volumes: 2, snapshots: "1", gigabytes: 4, tenant_id: "x", backups: 1 },
  }
  await refused(acme, { method: "PUT", path, body: set }, [403, "forbidden", /admin/])
  const put = await asAdmin(`/v1/admin${path}`, { method: "PUT", body: set })
  const limits = { volumes: 2, snapshots: 1, gigabytes: 4, volumes_SATA: -1, snapshots_SSD: -1 }
  expect(put.json.quota_set).toMatchObject(limits)
  expect((await acme.v1(path)).json.quota_set).toMatchObject({
    id: `${acme.accountNumber}`,
    ...limits,
  })
  const { quota_set: used } = (await acme.v1(`${path}?usage=True`)).json
  expect(used).toMatchObject({
    volumes: { in_use: 1, limit: 2, reserved: 0 },
    snapshots: { in_use: 1, limit: 1, reserved: 0 },
    gigabytes: { in_use: 2, limit: 4, reserved: 0 },
    volumes_SATA: { in_use: 1, limit: -1, reserved: 0 },
    snapshots_SATA: { in_use: 1, limit: -1, reserved: 0 },
    gigabytes_SATA: { in_use: 2, limit: -1, reserved: 0 },
    volumes_SSD: { in_use: 0, limit: -1, reserved: 0 },
  })
  expect((await acme.v1("/limits")).json.limits).toEqual({
    rate: [],
    absolute: {
      maxTotalVolumes: 2,
      totalVolumesUsed: 1,
      maxTotalSnapshots: 1,
      totalSnapshotsUsed: 1,
      maxTotalVolumeGigabytes: 4,
      totalGigabytesUsed: 2,
    },
  })
  for (const value of ["", " ", true, [1], { toString: 1, valueOf: 1 }, "1e3", 0.5, -2]) {
    const body = { quota_set: { volumes: value } }
    const reply = await asAdmin(`/v1/admin${path}`, { method: "PUT", body })
    expect([value, reply.status]).toEqual([value, 400])
  }
  const message = "Maximum number of snapshots allowed (1) exceeded"
  const over = await refused(acme, snapshotOf(volume), [413, "overLimit", message])
  expect([over.headers["retry-after"], over.json.overLimit.retryAfter]).toEqual(["0", 0])
  const tooLarge =
    "Requested volume or snapshot exceeds allowed gigabytes quota. Requested 3G, quota is 4G and " +
    "2G has been consumed."
  await refused(acme, volumeOf({ size: 3 }), [413, "overLimit", tooLarge])
  const free = { quota_set: { snapshots: -1, gigabytes: 0 } }
  expect(
    (await asAdmin(`/v1/admin${path}`, { method: "PUT", body: free })).json.quota_set,
  ).toMatchObject({
    volumes: 2,
    snapshots: -1,
    gigabytes: 0,
  })
  for (const wrong of ["x", -2, 1.5]) {
    const body = { quota_set: { volumes: wrong } }
    expect((await asAdmin(`/v1/admin${path}`, { method: "PUT", body })).status).toBe(400)
  }
})

test("a state that the administrator sets is told, and obeyed by what is made of it, until the truth changes", async () => {
  const acme = await house.tenant("acme")
  const admin = right(
    await house.house.core().identity.issueToken(house.house.stage.who, { livesMs: 3_600_000 }),
  )
  const set = async (path: string, body: object) =>
    (await house.asks(admin.token)(`/v1/acme${path}/action`, { method: "POST", body })).status
  const reset = (path: string, status: unknown) => set(path, { "os-reset_status": { status } })
  const told = async (path: string) => {
    const [thing] = Object.values((await acme.v1(path)).json) as Record<string, string>[]
    return [thing?.["status"], thing?.["os-extended-snapshot-attributes:progress"]]
  }
  const volume = await house.volume(acme.who)
  const ofVolume = `/volumes/${volume}`
  const snapshot_id = await house.snapshot(acme.who, volume)
  const snapshot = `/snapshots/${snapshot_id}`

  for (const status of ["error_deleting", "in-use", "Error"]) {
    expect(await reset(ofVolume, status)).toBe(202)
    expect(await told(ofVolume)).toEqual([status.toLowerCase(), undefined])
  }
  const inError = `Invalid volume: Volume ${volume} status must be available or in-use, but current status is: error.`
  await refused(acme, snapshotOf(volume, { force: true }), [400, "badRequest", inError])
  await refused(acme, volumeOf({ source_volid: volume }), [400, "badRequest", inError])
  const { id } = await house.machine(acme.who)
  const attach = { "os-attach": { instance_uuid: id } }
  expect((await acme.v1(`${ofVolume}/action`, { method: "POST", body: attach })).status).toBe(202)
  await house.until(acme, ofVolume, "in-use")

  expect(await reset(snapshot, "creating")).toBe(202)
  expect(await told(snapshot)).toEqual(["creating", "100%"])
  const notYet = `Invalid snapshot: Snapshot ${snapshot_id} status must be available, but current status is: creating.`
  await refused(acme, volumeOf({ snapshot_id }), [400, "badRequest", notYet])
  const update = (status: string, progress?: unknown) =>
    set(snapshot, { "os-update_snapshot_status": { status, progress } })
  expect(await update("creating", "42%")).toBe(202)
  expect(await told(snapshot)).toEqual(["creating", "42%"])
  for (const [status, progress] of [
    ["deleting", "1%"],
    ["creating", "x"],
    ["creating", "101%"],
    ["creating", 5],
  ] as const) {
    expect(await update(status, progress)).toBe(400)
  }
  expect(await update("available")).toBe(202)
  expect(await told(snapshot)).toEqual(["available", "100%"])
  expect(await update("available")).toBe(400)
  expect(await reset(snapshot, "error")).toBe(202)
  expect(await told(snapshot)).toEqual(["error", "100%"])
  for (const status of ["nonsense", "", null, 7, "in-use", "__proto__"]) {
    expect(await reset(snapshot, status)).toBe(400)
  }
  expect((await acme.v1(snapshot, { method: "DELETE" })).status).toBe(202)
  expect((await acme.v1(snapshot)).status).toBe(404)
})

test("actions: force-delete is the administrator's; attaching is real", async () => {
  const acme = await house.tenant("acme")
  const admin = right(
    await house.house.core().identity.issueToken(house.house.stage.who, { livesMs: 3_600_000 }),
  )
  const asAdmin = (path: string, body: object): Promise<Reply> =>
    house.asks(admin.token)(`/v1/acme${path}/action`, { method: "POST", body })
  const volume = await house.volume(acme.who)
  const snapshot = `/snapshots/${await house.snapshot(acme.who, volume)}`
  for (const path of [snapshot, `/volumes/${volume}`]) {
    for (const action of ["os-reset_status", "os-force_delete"]) {
      const body = { [action]: { status: "available" } }
      const denied = `Policy doesn't allow ${action} to be performed.`
      await refused(acme, { path: `${path}/action`, body }, [403, "forbidden", denied])
    }
    expect((await asAdmin(path, { "os-reset_status": { status: "Available" } })).status).toBe(202)
    expect((await asAdmin(path, { "os-reset_status": null })).status).toBe(400)
    await refused(acme, { path: `${path}/action`, body: { constructor: {} } }, [
      400,
      "badRequest",
      /no such action/,
    ])
  }
  const xml = { headers: { "content-type": "application/xml" }, method: "POST" }
  const reset = '<os-reset_status xmlns="x" status="error"/>'
  const told = await house.asks(admin.token)(`/v1/acme${snapshot}/action`, { ...xml, body: reset })
  expect(told.status).toBe(202)
  expect((await asAdmin(snapshot, { "os-force_delete": null })).status).toBe(202)
  expect((await acme.v1(snapshot)).status).toBe(404)
  const { id: instance_uuid } = await house.machine(acme.who)
  const act = (body: object) => acme.v1(`/volumes/${volume}/action`, { method: "POST", body })
  expect((await act({ "os-attach": { instance_uuid, mountpoint: "/dev/vdb" } })).status).toBe(202)
  const attached = (await house.until(acme, `/volumes/${volume}`, "in-use")).json.volume
  expect(attached.attachments).toMatchObject([{ server_id: instance_uuid }])
  expect((await act({ "os-detach": {} })).status).toBe(202)
  await house.until(acme, `/volumes/${volume}`, "available")
  expect((await act({ "os-detach": {} })).status).toBe(400)
  expect((await act({ "os-attach": { instance_uuid: "x" } })).status).toBe(400)
  expect((await asAdmin(`/volumes/${volume}`, { "os-force_delete": {} })).status).toBe(202)
})

describe("a hostile body", () => {
  const laughs = `<!DOCTYPE s [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]><snapshot volume_id="&b;"/>`
  const nested = `{"snapshot":${"[".repeat(20_000)}${"]".repeat(20_000)}}`

  test.each<[string, string | Buffer, string, number, string]>([
    ["an entity bomb", laughs, "application/xml", 400, "badRequest"],
    [
      "an external entity",
      '<!DOCTYPE s SYSTEM "file:///etc/passwd"><snapshot/>',
      "application/xml",
      400,
      "badRequest",
    ],
    [
      "a bomb that curl sends without a type",
      laughs,
      "application/x-www-form-urlencoded",
      400,
      "badRequest",
    ],
    [
      "UTF-16",
      Buffer.from('\ufeff<snapshot volume_id="x"/>', "utf16le"),
      "application/xml",
      400,
      "badRequest",
    ],
    ["a control character", '<snapshot volume_id="&#7;"/>', "application/xml", 400, "badRequest"],
    ["half a document", "<snapshot", "application/xml", 400, "badRequest"],
    ["a dangerous name", "<__proto__ volume_id='x'/>", "application/xml", 400, "badRequest"],
    [
      "deep elements",
      `${"<a>".repeat(9000)}${"</a>".repeat(9000)}`,
      "application/xml",
      400,
      "badRequest",
    ],
    ["half of JSON", '{"snapshot": {', "application/json", 400, "badRequest"],
    ["XML that says it is JSON", "<snapshot/>", "application/json", 400, "badRequest"],
    ["JSON that says it is XML", '{"snapshot":{}}', "application/xml", 400, "badRequest"],
    ["deep JSON", nested, "application/json", 422, "unprocessableEntity"],
    ["a type that is neither", "a,b", "text/csv", 415, "badMediaType"],
    ["too much", "x".repeat(200_000), "application/json", 413, "overLimit"],
  ])("%s is refused in the words of this API", async (_name, body, type, status, name) => {
    const acme = await house.tenant("acme")
    for (const suffix of ["json", "xml"]) {
      const sent = { method: "POST", body, headers: { "content-type": type } }
      const reply = await acme.v1(`/snapshots.${suffix}`, sent)
      expect(reply.status).toBe(status)
      const told = suffix === "json" ? reply.json : xmlOf(reply)
      expect(Object.keys(told)).toEqual([name])
      expect(JSON.stringify(told)).not.toMatch(/root:|node_modules|\.ts:/)
    }
  })

  test("whose values have no text is refused, too", async () => {
    const acme = await house.tenant("acme")
    const volume = await house.volume(acme.who)
    const textless = '{"toString":1,"valueOf":1}'
    const deep = `${"[".repeat(20_000)}${"]".repeat(20_000)}`
    const type = "application/json"
    for (const value of [textless, `[${textless}]`, deep]) {
      const snapshot = `{"snapshot":{"volume_id":"${volume}","force":${value}}}`
      const force = /^Invalid value 'an? (object|list)' for force/
      await refused(acme, { path: "/snapshots", body: snapshot, type }, [400, "badRequest", force])
      const size = /an? (object|list) cannot be accepted/
      const body = `{"volume":{"size":${value}}}`
      await refused(acme, { path: "/volumes", body, type }, [400, "badRequest", size])
    }
  })

  test(`spoiled anyhow, is answered in well-formed words, and never by a 500 (seed ${seed})`, async () => {
    const acme = await house.tenant("acme")
    const random = randomFrom(seed)
    const pick = (below: number) => Math.floor(random() * below)
    const pieces = [
      "<",
      ">",
      "&",
      '"',
      "'",
      "]]>",
      "<!--",
      "<![CDATA[",
      "<!DOCTYPE a>",
      "&#0;",
      "\u0000",
      "\ufffe",
      "xmlns:a",
      "__proto__",
      "null",
      "{",
      "}",
      "[",
      "\\ud800",
      "\u00e9",
      "-1",
      "1e999",
    ]
    const bodies = [
      `<?xml version="1.0" encoding="UTF-8"?><snapshot xmlns="x" volume_id="${unknown}" force="true"><metadata><meta key="a">b</meta></metadata></snapshot>`,
      `{"snapshot": {"volume_id": "${unknown}", "force": true, "metadata": {"a": "b"}, "display_name": "x"}}`,
      `<volume size="1" display_name="v"><metadata><meta key="k">v</meta></metadata></volume>`,
      `{"volume": {"size": 1, "display_name": "v", "volume_type": "SATA", "metadata": {}}}`,
    ]
    for (let nth = 0; nth < 400; nth++) {
      const which = nth % bodies.length
      let text = bodies[which] ?? ""
      for (let times = pick(3); times >= 0; times--) {
        const at = pick(text.length)
        text = text.slice(0, at) + (pieces[pick(pieces.length)] ?? "") + text.slice(at + pick(4))
      }
      const body = Buffer.from(text)
      if (random() < 0.2) body[pick(body.length)] = pick(256)
      const type = which % 2 === 0 ? "application/xml" : "application/json"
      const headers = { "content-type": type, accept: random() < 0.5 ? "application/xml" : "" }
      const path = which < 2 ? "/snapshots" : "/volumes"
      const reply = await acme.v1(path, { method: "POST", body, headers })
      expect(reply.status, text).toBeLessThan(500)
      if (headers.accept !== "") xmlOf(reply)
    }
  })

  test("paths and methods that are not there are told in both formats", async () => {
    const acme = await house.tenant("acme")
    await refused(acme, { method: "GET", path: "/nonsense" }, [404, "itemNotFound", /./])
    await refused(acme, { method: "PATCH", path: "/snapshots", body: {} }, [405, "badMethod", /./])
  })
})
