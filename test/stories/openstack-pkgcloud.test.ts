/**
 * What a user of npm's `pkgcloud` does, with pkgcloud itself, a real server and a real machine:
 * volumes, snapshots of an attached one, a volume from a snapshot that then goes, and the bytes.
 */
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises"
import { createRequire } from "node:module"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { serialOf } from "../fixtures/numbered-guest.ts"
import { ServerProcess } from "../fixtures/server-process.ts"

const fromClients = createRequire(new URL("../clients/package.json", import.meta.url))
const login = { login: "acme", password: "acme's secret", apiKey: "acme-key" }

let dataDir: string
let server: ServerProcess
let authUrl: string
let machine: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tintype pkgcloud "))
  await chmod(dataDir, 0o711)
  server = new ServerProcess(dataDir)
  await server.start()
  const { urls } = JSON.parse(await readFile(join(dataDir, "server.json"), "utf8"))
  authUrl = urls.openstack
  const made = await server.call("POST", "/api/accounts", login)
  expect(made.status).toBe(201)
  await server.done(await server.call("POST", "/api/images/demo"))
  const [image] = await server.list("images")
  const wish = { name: "web", imageId: image?.id, memoryMiB: 128 }
  machine = (await server.done(await asAcme("POST", "/api/machines", wish))).id
})

afterAll(async () => {
  await server.done(await asAcme("DELETE", `/api/machines/${machine}`))
  await server.end("SIGTERM")
  await rm(dataDir, { recursive: true })
})

const asAcme = (method: string, path: string, body?: object) =>
  server.call(method, path, body, { "X-Tintype-Account": "acme" })

/** The disk of a volume is found by its serial number: which letter it gets is the guest's. */
async function inGuest(volume: string, script: string): Promise<string> {
  const find = `while [ ! -b "$disk" ]; do for d in $(ls /sys/block | grep vd); do
    [ "$(cat /sys/block/$d/serial)" = ${serialOf(volume)} ] && disk=/dev/$d; done; done`
  const argv = ["sh", "-c", `${find}; ${script}`]
  const { status, body } = await asAcme("POST", `/api/machines/${machine}/exec`, { argv })
  expect([status, body.exitCode]).toEqual([200, 0])
  return Buffer.from(body.stdout, "base64").toString()
}

const attach = async (volumeId: string) =>
  await server.done(await asAcme("POST", `/api/machines/${machine}/attach`, { volumeId }))
const detach = async (volumeId: string) =>
  await server.done(await asAcme("POST", `/api/machines/${machine}/detach`, { volumeId }))

// biome-ignore lint/suspicious/noExplicitAny: pkgcloud has no types
type Any = any
/** Its verbs take callbacks; as promises they are easier to read. */
type Client = (verb: string, ...args: unknown[]) => Promise<Any>

function open(options: object): Client {
  const made = fromClients("pkgcloud").blockstorage.createClient({
    authUrl,
    region: "dfw",
    ...options,
  })
  return (verb, ...args) => promisify(made[verb].bind(made))(...args)
}

async function until(client: Client, verb: string, id: string, status: string): Promise<Any> {
  for (;;) {
    const thing = await client(verb, id)
    if (thing.status === status) return thing
    if (thing.status === "error") throw new Error(`${id} is in error`)
  }
}

async function refusal(asked: Promise<Any>): Promise<number> {
  return await asked.then(
    () => 200,
    (cause: { statusCode: number }) => cause.statusCode,
  )
}

async function end(client: Client, id: string): Promise<number> {
  for (;;) {
    const status = await refusal(client("getVolume", id))
    if (status !== 200) return status
  }
}

const { login: username, password, apiKey } = login
describe.each<[string, object]>([
  ["rackspace, by API key", { provider: "rackspace", username, apiKey }],
  ["rackspace, by password", { provider: "rackspace", username, password }],
  ["openstack, Identity v2.0", { provider: "openstack", username, password, tenantName: "acme" }],
  [
    "openstack, Identity v3",
    {
      ...{ provider: "openstack", username, password, keystoneAuthVersion: "v3" },
      ...{ domainName: "Default", tenantName: "acme", projectDomainName: "Default" },
    },
  ],
])("pkgcloud for %s", (_name, options) => {
  test("goes through the whole life of volumes and snapshots", async () => {
    const client = open(options)
    const types = await client("getVolumeTypes")
    expect(types.map((type: Any) => type.name)).toEqual(["SATA", "SSD"])
    expect((await client("getVolumeType", types[1])).name).toBe("SSD")

    const wish = { name: "data", description: "of value", size: 1, volumeType: types[1] }
    const volume = await client("createVolume", wish)
    expect(volume).toMatchObject({
      name: "data",
      description: "of value",
      size: 1,
      volumeType: "SSD",
    })
    await until(client, "getVolume", volume.id, "available")
    await attach(volume.id)
    await inGuest(volume.id, "echo precious | dd of=$disk conv=notrunc,fsync")
    const attached = await client("getVolume", volume)
    expect(attached).toMatchObject({ status: "in-use", attachments: [{ server_id: machine }] })

    const snap = { name: "snap", description: "before", volumeId: volume.id }
    expect(await refusal(client("createSnapshot", snap))).toBe(400)
    const snapshot = await client("createSnapshot", { ...snap, force: true })
    expect(snapshot).toMatchObject({
      name: "snap",
      description: "before",
      volumeId: volume.id,
      size: 1,
    })
    await until(client, "getSnapshot", snapshot.id, "available")
    await inGuest(volume.id, "echo spoiled. | dd of=$disk conv=notrunc,fsync")

    for (const listed of [await client("getSnapshots"), await client("getSnapshots", true)]) {
      expect(listed).toMatchObject([{ id: snapshot.id, name: "snap", status: "available" }])
    }
    snapshot.name = "renamed"
    snapshot.description = "kept"
    expect(await client("updateSnapshot", snapshot)).toMatchObject({ name: "renamed" })
    expect(await client("getSnapshot", snapshot)).toMatchObject({
      name: "renamed",
      description: "kept",
    })

    const again = { name: "again", size: 1, snapshotId: snapshot.id }
    const copy = await client("createVolume", again)
    expect(copy.snapshotId).toBe(snapshot.id)
    await until(client, "getVolume", copy.id, "available")
    expect(await client("deleteSnapshot", snapshot)).toBe(true)
    expect(await refusal(client("getSnapshot", snapshot))).toBe(404)
    await attach(copy.id)
    expect(await inGuest(copy.id, "head -n 1 $disk")).toBe("precious\n")
    expect(await inGuest(volume.id, "head -n 1 $disk")).toBe("spoiled.\n")

    const volumes = await client("getVolumes", true)
    expect(volumes.map((each: Any) => each.name)).toContain("again")
    expect(await client("getVolumes")).toHaveLength(volumes.length)
    copy.name = "copy"
    expect(await client("updateVolume", copy)).toMatchObject({ name: "copy" })
    expect(await refusal(client("deleteVolume", copy))).toBe(400)
    for (const id of [copy.id, volume.id]) {
      await detach(id)
      await client("deleteVolume", id)
    }
    for (const id of [copy.id, volume.id]) expect(await end(client, id)).toBe(404)
  })

  test("is not let in with what is wrong", async () => {
    const wrong = { password: "wrong", apiKey: undefined }
    expect(await refusal(open({ ...options, ...wrong })("getVolumes"))).toBe(401)
  })
})
