/** Block Storage v1 as its clients use it: the documented requests, and what they must get. */
import { execFile } from "node:child_process"
import { promisify } from "node:util"
import { describe, expect, test } from "vitest"
import type { SnapshotState } from "../../src/domain/snapshot.ts"
import { GiB, openstackFace, openstackForEachTest, xmlOf } from "../fixtures/openstack-house.ts"
import { wireTo } from "../fixtures/wire.ts"

const house = openstackForEachTest()
const run = promisify(execFile)
const time = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}$/
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/

describe("creating a snapshot as documented", () => {
  test("by curl, with `-i`", async () => {
    const acme = await house.tenant("acme")
    const volume = await house.volume(acme.who)
    const { stdout } = await run("curl", [
      "-sS",
      "-i",
      "-X",
      "POST",
      "-d",
      `{
      "snapshot": {
          "display_name": "snap-001",
          "display_description": "Daily Backup",
          "volume_id": "${volume}"
        }
      }`,
      "-H",
      `X-Auth-Token: ${acme.token}`,
      "-H",
      "Content-Type: application/json",
      `${house.wire.url}/v1/${acme.accountNumber}/snapshots`,
    ])
    const [head = "", body = ""] = stdout.split("\r\n\r\n")
    expect(head).toMatch(/^HTTP\/1\.1 200 OK\r\n/)
    expect(head).toMatch(/^X-Compute-Request-Id: req-[0-9a-f-]{36}\r?$/m)
    expect(head).toMatch(/^Content-Type: application\/json\r?$/m)
    expect(JSON.parse(body)).toEqual({
      snapshot: {
        id: expect.stringMatching(uuid),
        status: "creating",
        display_name: "snap-001",
        display_description: "Daily Backup",
        created_at: expect.stringMatching(time),
        volume_id: volume,
        metadata: {},
        size: 1,
        "os-extended-snapshot-attributes:progress": "0.00%",
        "os-extended-snapshot-attributes:project_id": `${acme.accountNumber}`,
      },
    })
  })

  test("in JSON, with force", async () => {
    const acme = await house.tenant("acme")
    const volume = await house.volume(acme.who, "data", 100 * GiB)
    const body = `{
        "snapshot": {
            "display_name": "snap-001",
            "display_description": "Daily backup",
            "volume_id": "${volume}",
            "force": true
         }
    }`
    const { status, json } = await acme.v1("/snapshots", { method: "POST", body })
    expect(status).toBe(200)
    expect(json.snapshot).toMatchObject({
      display_name: "snap-001",
      display_description: "Daily backup",
      metadata: {},
      size: 100,
      status: "creating",
      volume_id: volume,
      "os-extended-snapshot-attributes:project_id": `${acme.accountNumber}`,
    })
  })

  test("in XML, all attributes, without an Accept header: the answer is JSON; with it, XML", async () => {
    const acme = await house.tenant("acme")
    const volume = await house.volume(acme.who, "data", 100 * GiB)
    const body = `<?xml version="1.0" encoding="UTF-8"?>
    <snapshot xmlns="http://docs.rackspace.com/volume/api/v1"
              name="snap-001"
              display_name="snap-001"
              display_description="Daily backup"
              volume_id="${volume}"
              force="true" />
    `
    const xml = { "content-type": "application/xml" }
    const asJson = await acme.v1("/snapshots", { method: "POST", body, headers: xml })
    expect([asJson.status, asJson.json.snapshot.display_name]).toEqual([200, "snap-001"])
    const accept = { ...xml, accept: "application/xml" }
    const asXml = await acme.v1("/snapshots", { method: "POST", body, headers: accept })
    expect(asXml.status).toBe(200)
    const { snapshot } = xmlOf(asXml)
    expect(snapshot).toEqual({
      "@xmlns": "http://docs.rackspace.com/volume/api/v1",
      "@xmlns:os-extended-snapshot-attributes":
        "http://docs.openstack.org/volume/ext/extended_snapshot_attributes/api/v1",
      "@id": expect.stringMatching(uuid),
      "@display_name": "snap-001",
      "@display_description": "Daily backup",
      "@volume_id": volume,
      "@status": "creating",
      "@size": "100",
      "@created_at": expect.stringMatching(time),
      "@createdAt": snapshot["@created_at"],
      "@metadata": "null",
      "@os-extended-snapshot-attributes:progress": "0.00%",
      "@os-extended-snapshot-attributes:project_id": `${acme.accountNumber}`,
    })
    const done = await house.until(acme, `/snapshots/${snapshot["@id"]}`, "available")
    expect(done.json.snapshot["os-extended-snapshot-attributes:progress"]).toBe("100%")
  })

  test("answered 201, and without extended attributes, where that is configured", async () => {
    const acme = await house.tenant("acme")
    const volume_id = await house.volume(acme.who)
    const face = openstackFace({ v1CreateStatus: 201, v1ExtendedOnCreate: false })
    const wire = await wireTo(face, house.house.core())
    const headers = { "x-auth-token": acme.token }
    const body = { snapshot: { volume_id } }
    const made = await wire.ask("/v1/acme/snapshots", {
      method: "POST",
      token: null,
      headers,
      body,
    })
    await wire.close()
    expect(made.status).toBe(201)
    expect(Object.keys(made.json.snapshot).filter((key) => key.includes(":"))).toEqual([])
    expect(made.json.snapshot).toMatchObject({ display_name: null, display_description: null })
  })
})

test("a snapshot's life, in JSON: types of values are what typed clients decode", async () => {
  const acme = await house.tenant("acme")
  const volume_id = await house.volume(acme.who, "data", 3 * GiB + 512)
  const wish = { name: "n", description: "d", volume_id, force: false, metadata: { a: 1, b: true } }
  const made = await acme.v1("/snapshots", { method: "POST", body: { snapshot: wish } })
  const { id } = made.json.snapshot
  const path = `/snapshots/${id}`
  const shown = (await house.until(acme, path, "available")).json.snapshot
  expect(shown).toEqual({
    id,
    display_name: "n",
    display_description: "d",
    volume_id,
    status: "available",
    size: 4,
    created_at: expect.stringMatching(time),
    metadata: { a: "1", b: "true" },
    "os-extended-snapshot-attributes:progress": "100%",
    "os-extended-snapshot-attributes:project_id": `${acme.accountNumber}`,
  })
  const { "os-extended-snapshot-attributes:progress": _, ...rest } = shown
  const { "os-extended-snapshot-attributes:project_id": __, ...plain } = rest
  expect((await acme.v1("/snapshots")).json).toEqual({ snapshots: [plain] })
  for (const name of ["detail", "details"]) {
    expect((await acme.v1(`/snapshots/${name}`)).json).toEqual({ snapshots: [shown] })
  }
  const renamed = await acme.v1(path, {
    method: "PUT",
    body: { snapshot: { display_name: "x", display_description: "y" } },
  })
  expect(renamed.json.snapshot).toMatchObject({
    ...plain,
    display_name: "x",
    display_description: "y",
  })
  const unwrapped = await acme.v1(path, { method: "PUT", body: { name: "z", description: "" } })
  expect(unwrapped.json.snapshot).toMatchObject({ display_name: "z", display_description: null })
  const cleared = await acme.v1(path, { method: "PUT", body: { snapshot: { display_name: null } } })
  expect(cleared.json.snapshot.display_name).toBe(null)
  const gone = await acme.v1(path, { method: "DELETE" })
  expect([gone.status, gone.bytes.length]).toEqual([202, 0])
  expect((await acme.v1(path)).status).toBe(404)
  expect((await acme.v1("/snapshots")).json).toEqual({ snapshots: [] })
})

test("progress is a true percentage while the work goes on; what could not be done is in error", async () => {
  const acme = await house.tenant("acme")
  const id = await house.snapshot(acme.who, await house.volume(acme.who))
  const set = (state: SnapshotState, progress: number) =>
    house.house.stage.making.ledger.transaction(async ({ points, snapshots, operations }) => {
      const snapshotId = (await points.get(id))?.snapshotId ?? ""
      const [taking] = await operations.find({ targetId: snapshotId })
      await snapshots.change(snapshotId, { state })
      await operations.change(taking?.id ?? "", { progress })
    })
  for (const [state, progress, status, told] of [
    ["creating", 0, "creating", "0.00%"],
    ["creating", 25.39, "creating", "25.39%"],
    ["creating", 99.996, "creating", "99.99%"],
    ["ready", 100, "available", "100%"],
    ["failed", 100, "error", "0.00%"],
  ] as const) {
    await set(state, progress)
    const { snapshot } = (await acme.v1(`/snapshots/${id}`)).json
    expect([snapshot.status, snapshot["os-extended-snapshot-attributes:progress"]]).toEqual([
      status,
      told,
    ])
  }
})

test("a volume's life: empty, from a snapshot that then goes, from a volume", async () => {
  const acme = await house.tenant("acme")
  const wish = { size: 75, display_name: "vol", display_description: "d", volume_type: "SSD" }
  const nulls = { snapshot_id: null, imageRef: null, status: "x", user_id: null, attach_status: 1 }
  const made = await acme.v1("/volumes", {
    method: "POST",
    body: { volume: { ...wish, ...nulls, metadata: { k: "v" } } },
  })
  expect(made.status).toBe(200)
  const { id } = made.json.volume
  const shown = (await house.until(acme, `/volumes/${id}`, "available")).json.volume
  expect(shown).toEqual({
    id,
    display_name: "vol",
    display_description: "d",
    status: "available",
    size: 75,
    volume_type: "SSD",
    snapshot_id: null,
    source_volid: null,
    availability_zone: "nova",
    bootable: "false",
    created_at: expect.stringMatching(time),
    attachments: [],
    metadata: { k: "v" },
    "os-vol-tenant-attr:tenant_id": `${acme.accountNumber}`,
    "os-vol-host-attr:host": expect.any(String),
    "os-vol-mig-status-attr:migstat": null,
    "os-vol-mig-status-attr:name_id": null,
  })
  const snapshot = await house.snapshot(acme.who, id)
  const body = { volume: { snapshot_id: snapshot, size: "80", display_name: "copy" } }
  const copy = (await acme.v1("/volumes", { method: "POST", body })).json.volume
  expect(copy).toMatchObject({ size: 80, snapshot_id: snapshot, volume_type: "SSD" })
  expect((await house.until(acme, `/volumes/${copy.id}`, "available")).status).toBe(200)
  expect((await acme.v1(`/snapshots/${snapshot}`, { method: "DELETE" })).status).toBe(202)
  expect((await acme.v1(`/snapshots/${snapshot}`)).status).toBe(404)
  await house.house.stage.service.executor.idle()
  expect((await acme.v1(`/volumes/${copy.id}`)).json.volume.status).toBe("available")
  const clone = await acme.v1("/volumes", {
    method: "POST",
    body: { volume: { source_volid: id, volume_type: "SATA" } },
  })
  const shownClone = { size: 75, display_name: null, source_volid: id, volume_type: "SATA" }
  expect(clone.json.volume).toMatchObject(shownClone)
  await house.until(acme, `/volumes/${clone.json.volume.id}`, "available")
  for (const each of ["", "/detail", "/details"]) {
    const { volumes } = (await acme.v1(`/volumes${each}`)).json
    expect(volumes.map((volume: { id: string }) => volume.id)).toEqual([
      clone.json.volume.id,
      copy.id,
      id,
    ])
    expect("os-vol-tenant-attr:tenant_id" in volumes[0]).toBe(each !== "")
  }
  const renamed = await acme.v1(`/volumes/${copy.id}`, { method: "PUT", body: { name: "new" } })
  expect(renamed.json.volume.display_name).toBe("new")
  for (const each of [id, copy.id, clone.json.volume.id]) {
    expect((await acme.v1(`/volumes/${each}`, { method: "DELETE" })).status).toBe(202)
    expect((await house.until(acme, `/volumes/${each}`, "gone")).status).toBe(404)
  }
})

test("root volumes are listed in-use, with their machine; snapshots of machines are rows", async () => {
  const acme = await house.tenant("acme")
  const extra = await house.volume(acme.who, "extra")
  const machine = await house.machine(acme.who, [extra])
  const { volumes } = (await acme.v1("/volumes/detail?status=in-use")).json
  expect(volumes).toMatchObject(
    [
      {
        id: machine.root,
        status: "in-use",
        bootable: "true",
        attachments: [{ server_id: machine.id, device: "/dev/vda" }],
      },
      {
        id: extra,
        status: "in-use",
        bootable: "false",
        attachments: [{ volume_id: extra, device: "/dev/vdb" }],
      },
    ].toSorted((one, other) => (one.id < other.id ? 1 : -1)),
  )
  const taken = { name: "both", source: { kind: "machine", id: machine.id } } as const
  await house.house.core().snapshots.create({ who: acme.who }, taken)
  await house.house.stage.service.executor.idle()
  const { snapshots } = (await acme.v1("/snapshots?display_name=both&status=available")).json
  expect(new Set(snapshots.map((each: { volume_id: string }) => each.volume_id))).toEqual(
    new Set([machine.root, extra]),
  )
  expect((await acme.v1(`/snapshots/${snapshots[0].id}`, { method: "DELETE" })).status).toBe(202)
  expect((await acme.v1("/snapshots")).json.snapshots).toEqual([snapshots[1]])
})

test("formats: suffix before Accept, attributes or elements, any namespace", async () => {
  const acme = await house.tenant("acme")
  const volume = await house.volume(acme.who)
  const bodies = [
    `<snapshot volume_id="${volume}"/>`,
    `<snapshot><volume_id>\n  ${volume}\n</volume_id><force> False </force></snapshot>`,
    // As it stands in the documents, where it is indented.
    `    <?xml version="1.0" encoding="UTF-8"?>\n    <snapshot\n volume_id="${volume}" />\n    `,
    `<v:snapshot xmlns:v="http://docs.openstack.org/volume/api/v1" volume_id="${volume}" metadata="null"/>`,
    `<snapshot xmlns="" volume_id="${volume}"><metadata><meta key="a&amp;b">&lt;v&gt;</meta></metadata></snapshot>`,
  ]
  for (const body of bodies) {
    const headers = { "content-type": "text/xml; charset=UTF-8", accept: "application/xml" }
    const made = await acme.v1("/snapshots.json", { method: "POST", body, headers })
    expect([made.status, made.headers["content-type"]]).toEqual([200, "application/json"])
  }
  const list = xmlOf(await acme.v1("/snapshots.xml", { headers: { accept: "application/json" } }))
  expect(list.snapshots.snapshot).toHaveLength(bodies.length)
  const [newest] = list.snapshots.snapshot
  expect(newest.metadata.meta).toEqual({ "@key": "a&b", "#text": "<v>" })
  expect(newest["@display_name"]).toBe("None")
  const one = await acme.v1(`/snapshots/${newest["@id"]}.xml`)
  expect(xmlOf(one).snapshot["@id"]).toBe(newest["@id"])
  const accepts: [string, string][] = [
    ["application/xml;q=0.5, application/json", "application/json"],
    ["application/xml, application/json;q=0.5", "application/xml"],
    ["text/html, */*", "application/json"],
    ["application/vnd.openstack.volume+xml;version=1", "application/xml"],
    ["", "application/json"],
  ]
  for (const [accept, type] of accepts) {
    expect((await acme.v1("/types", { headers: { accept } })).headers["content-type"]).toBe(type)
  }
})

test("volumes are wished, changed and limited in XML as in JSON", async () => {
  const acme = await house.tenant("acme")
  const headers = { "content-type": "application/xml", accept: "application/xml" }
  const wish = `<volume xmlns="http://docs.rackspace.com/volume/api/v1" display_name="vol-001"
      display_description="Another &quot;volume&quot;." size="100" volume_type="SATA" snapshot_id="">
      <metadata><meta key="contents">not&#32;junk</meta></metadata></volume>`
  const made = xmlOf(await acme.v1("/volumes", { method: "POST", body: wish, headers })).volume
  expect(made).toMatchObject({
    "@display_name": "vol-001",
    "@display_description": 'Another "volume".',
    "@size": "100",
    "@snapshot_id": "None",
    "@bootable": "false",
    metadata: { meta: { "@key": "contents", "#text": "not junk" } },
    attachments: "",
  })
  const path = `/volumes/${made["@id"]}`
  await house.until(acme, path, "available")
  const change = "<volume><display_name>new</display_name><metadata/></volume>"
  const changed = xmlOf(await acme.v1(path, { method: "PUT", body: change, headers })).volume
  expect([changed["@display_name"], changed["@metadata"]]).toEqual(["new", "null"])
  const admin = await house.house
    .core()
    .identity.issueToken(house.house.stage.who, { livesMs: 3_600_000 })
  const quota = "<quota_set><volumes>1</volumes><gigabytes>-1</gigabytes></quota_set>"
  const put = await house.asks(admin.ok ? admin.value.token : "")(`/v1/acme/os-quota-sets/acme`, {
    method: "PUT",
    body: quota,
    headers,
  })
  expect(xmlOf(put).quota_set.volumes).toBe("1")
  const over = await acme.v1("/volumes", { method: "POST", body: wish, headers })
  expect([over.status, xmlOf(over).overLimit.message]).toEqual([
    413,
    "Maximum number of volumes allowed (1) exceeded",
  ])
  expect(xmlOf(over).overLimit.retryAfter).toBe("0")
})

test("every thing there is to see is well-formed XML, too", async () => {
  const acme = await house.tenant("acme")
  const body = { volume: { size: 1, display_name: "<&\"'>", metadata: { k: "\u0001 \u{1f3d4}" } } }
  const { id } = (await acme.v1("/volumes", { method: "POST", body })).json.volume
  await house.until(acme, `/volumes/${id}`, "available")
  await house.snapshot(acme.who, id)
  await house.machine(acme.who)
  const shown = xmlOf(await acme.v1(`/volumes/${id}.xml`)).volume
  expect(shown["@display_name"]).toBe("<&\"'>")
  expect(shown.metadata.meta["#text"]).toBe("\ufffd \u{1f3d4}")
  expect(shown["@os-vol-tenant-attr:tenant_id"]).toBe(`${acme.accountNumber}`)
  const { volumes } = xmlOf(await acme.v1("/volumes/detail.xml"))
  expect(volumes.volume).toHaveLength(2)
  expect(xmlOf(await acme.v1("/types.xml")).volume_types.volume_type).toMatchObject([
    { "@id": "1", "@name": "SATA", extra_specs: "" },
    { "@id": "2", "@name": "SSD", extra_specs: "" },
  ])
  expect(xmlOf(await acme.v1("/types/2.xml")).volume_type["@name"]).toBe("SSD")
  const limits = xmlOf(await acme.v1("/limits.xml")).limits
  expect(limits["@xmlns"]).toBe("http://docs.openstack.org/common/api/v1.0")
  expect(limits.absolute.limit).toContainEqual({ "@name": "totalSnapshotsUsed", "@value": "1" })
  const quota = xmlOf(await acme.v1(`/os-quota-sets/acme.xml?usage=True`)).quota_set
  expect(quota.volumes).toEqual({ in_use: "2", limit: "-1", reserved: "0" })
  expect(xmlOf(await acme.v1(`/volumes/${id}/metadata.xml`)).metadata.meta["@key"]).toBe("k")
  const missing = await acme.v1("/volumes/nonsense.xml")
  expect(missing.status).toBe(404)
  expect(xmlOf(missing).itemNotFound).toEqual({
    "@xmlns": "http://docs.rackspace.com/cbs/api/v1.0",
    "@code": "404",
    message: "Volume nonsense could not be found.",
  })
})

test("lists: pages by number, filters, what is unknown is not looked at", async () => {
  const acme = await house.tenant("acme")
  const volume = await house.volume(acme.who)
  const other = await house.volume(acme.who, "other")
  const ids: string[] = []
  for (let nth = 0; nth < 5; nth++) ids.unshift(await house.snapshot(acme.who, volume, `s${nth}`))
  ids.unshift(await house.snapshot(acme.who, other, "of other"))
  const list = async (query: string) =>
    (await acme.v1(`/snapshots${query}`)).json.snapshots.map((each: { id: string }) => each.id)
  expect(await list("")).toEqual(ids)
  expect(await list("?limit=2")).toEqual(ids.slice(0, 2))
  expect(await list("?limit=2&offset=3")).toEqual(ids.slice(3, 5))
  expect(await list("?offset=5")).toEqual(ids.slice(5))
  expect(await list("?limit=0")).toEqual(ids)
  expect(await list("?limit=99999")).toEqual(ids)
  expect(await list(`?volume_id=${other}`)).toEqual(ids.slice(0, 1))
  expect(await list("?volume_id=none")).toEqual([])
  expect(await list("?status=AVAILABLE&display_name=s0")).toEqual(ids.slice(5))
  expect(await list("?status=error")).toEqual([])
  expect(await list("?status=nonsense")).toEqual([])
  expect(await list("?colour=red&all_tenants=1")).toEqual(ids)
  for (const query of ["limit=x", "limit=-1", "offset=1.5", "offset=-3"]) {
    const refused = await acme.v1(`/snapshots?${query}`)
    expect([refused.status, Object.keys(refused.json)]).toEqual([400, ["badRequest"]])
  }
})

test("volumes are found by their metadata, as clients in Python and others write it", async () => {
  const acme = await house.tenant("acme")
  const make = async (metadata: object) => {
    const body = { volume: { size: 1, metadata } }
    return (await acme.v1("/volumes", { method: "POST", body })).json.volume.id as string
  }
  const [one, both, odd] = [
    await make({ a: "1" }),
    await make({ a: "1", b: "2" }),
    await make({ "it's": '"so" \\', a: "2" }),
  ]
  const list = async (metadata: string, page = "") => {
    const query = `metadata=${encodeURIComponent(metadata)}${page}`
    const { volumes } = (await acme.v1(`/volumes/detail?${query}`)).json
    return volumes.map((volume: { id: string }) => volume.id)
  }
  expect(await list("{'a':'1'}")).toEqual([both, one])
  expect(await list("{'a':'1'}", "&limit=1")).toEqual([both])
  expect(await list("{'a':'1'}", "&limit=1&offset=1")).toEqual([one])
  expect(await list("{u'a': u'1', u'b': u'2'}")).toEqual([both])
  expect(await list('{"a":"1","b":"2"}')).toEqual([both])
  expect(await list(`{"it's": '"so" \\\\'}`)).toEqual([odd])
  expect(await list("{'a': 1}")).toEqual([both, one])
  expect(await list("{'__proto__': 'x'}")).toEqual([])
  expect(await list("{}")).toEqual([odd, both, one])
  for (const text of ["[]", "{'a'", "a", "{'a': {}}", "{'a': null}"]) {
    const wrong = await acme.v1(`/volumes?metadata=${encodeURIComponent(text)}`)
    expect([text, wrong.status]).toEqual([text, 400])
  }
})

test("metadata: whole and one by one, of snapshots and volumes, in both formats", async () => {
  const acme = await house.tenant("acme")
  const volume = await house.volume(acme.who)
  const paths = [`/volumes/${volume}`, `/snapshots/${await house.snapshot(acme.who, volume)}`]
  for (const path of paths.map((each) => `${each}/metadata`)) {
    expect((await acme.v1(path)).json).toEqual({ metadata: {} })
    const post = (metadata: object) => acme.v1(path, { method: "POST", body: { metadata } })
    expect((await post({ a: "1", b: "2" })).json).toEqual({ metadata: { a: "1", b: "2" } })
    expect((await post({ b: "3", c: 4 })).json.metadata).toEqual({ a: "1", b: "3", c: "4" })
    const put = await acme.v1(path, { method: "PUT", body: { metadata: { d: "5" } } })
    expect(put.json).toEqual({ metadata: { d: "5" } })
    const xml = { "content-type": "application/xml" }
    const meta = '<meta xmlns="x" key="d">six</meta>'
    const one = await acme.v1(`${path}/d.xml`, { method: "PUT", body: meta, headers: xml })
    expect(xmlOf(one).meta).toMatchObject({ "@key": "d", "#text": "six" })
    expect((await acme.v1(`${path}/d`)).json).toEqual({ meta: { d: "six" } })
    const all = '<metadata><meta key="__proto__">p</meta><meta key="e">7</meta></metadata>'
    const merged = await acme.v1(path, { method: "POST", body: all, headers: xml })
    expect(Object.entries(merged.json.metadata)).toContainEqual(["__proto__", "p"])
    expect((await acme.v1(`${path}/__proto__`)).json.meta).toEqual(JSON.parse('{"__proto__":"p"}'))
    expect((await acme.v1(`${path}/constructor`)).status).toBe(404)
    expect((await acme.v1(`${path}/d`, { method: "DELETE" })).status).toBe(200)
    expect((await acme.v1(`${path}/d`)).status).toBe(404)
    const mismatch = await acme.v1(`${path}/x`, { method: "PUT", body: { meta: { y: "1" } } })
    expect(mismatch.json.badRequest.message).toBe("Request body and URI mismatch")
    for (const metadata of [
      { "": "x" },
      { ["k".repeat(256)]: "" },
      { k: "v".repeat(256) },
      { k: null },
      { k: {} },
    ]) {
      expect((await post(metadata)).status).toBe(400)
    }
    const none = await acme.v1(path, { method: "PUT", body: {} })
    expect(none.json.badRequest.message).toBe("Malformed request body")
  }
})

test("metadata that several put at once is all there afterwards", async () => {
  const acme = await house.tenant("acme")
  const path = `/volumes/${await house.volume(acme.who)}/metadata`
  const keys = Array.from({ length: 12 }, (_, nth) => `k${nth}`)
  const put = (key: string) =>
    acme.v1(`${path}/${key}`, { method: "PUT", body: { meta: { [key]: key } } })
  await Promise.all(keys.map(put))
  const { metadata } = (await acme.v1(path)).json
  expect(Object.keys(metadata).toSorted()).toEqual(keys.toSorted())
})

test("a root, versions and stubs are told with the name by which the client came", async () => {
  const headers = { host: "storage.example:8776" }
  const ask = async (path: string) => await house.wire.ask(path, { token: null, headers })
  const root = await ask("/")
  expect(root.status).toBe(300)
  expect(root.json.versions[0]).toMatchObject({
    id: "v1.0",
    links: [{ rel: "self", href: "http://storage.example:8776/v1/" }],
  })
  const image = await ask("/image")
  expect([image.status, image.json.versions[0].id]).toEqual([300, "v2.9"])
  expect(image.json.versions[0].links[0].href).toBe("http://storage.example:8776/image/v2/")
  const acme = await house.tenant("acme")
  const servers = await acme.ask(`/compute/v2.1/${acme.tenantId}/servers/detail`)
  expect(servers.json).toEqual({ servers: [] })
})
