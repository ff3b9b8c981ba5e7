/**
 * The Hostway face of a real server, and a real machine behind it: a client of this API makes a
 * server, takes snapshots of it, breaks it and restores it, while it runs and while it is off.
 */
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { basic } from "../fixtures/hostway-house.ts"
import { gone, qemuOf, strike } from "../fixtures/own-processes.ts"
import { ServerProcess } from "../fixtures/server-process.ts"
import { ask as askAt, type Reply } from "../fixtures/wire.ts"

const patienceMs = 120_000
const password = "it's:alice"

let dataDir: string
let service: ServerProcess
let url: string
let machine = ""

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tintype hostway "))
  await chmod(dataDir, 0o711)
  service = new ServerProcess(dataDir)
  await service.start()
  url = JSON.parse(await readFile(join(dataDir, "server.json"), "utf8")).urls.hostway
  await service.done(await service.call("POST", "/api/images/demo"))
  await service.call("POST", "/api/accounts", { login: "alice", password })
}, 180_000)

afterAll(async () => {
  await service.end("SIGTERM")
  const qemu = await qemuOf(dataDir, machine)
  if (qemu !== undefined && strike(qemu, "SIGKILL")) await gone(qemu)
  await rm(dataDir, { recursive: true })
})

function ask(path: string, method = "GET", body?: object): Promise<Reply> {
  const headers = { authorization: basic("alice", password) }
  const sent = { method, token: null, headers, ...(body === undefined ? {} : { body }) }
  return askAt(path.startsWith("http") ? path : `${url}${path}`, sent)
}

/** As clients of this API wait: they look again and again. */
async function look(path: string, isIt: (reply: Reply) => boolean): Promise<Reply> {
  const deadline = performance.now() + patienceMs
  for (;;) {
    const reply = await ask(path)
    if (isIt(reply)) return reply
    if (performance.now() > deadline) throw new Error(`${path} stays ${reply.bytes.toString()}`)
    await sleep(100)
  }
}

const statusIn = ({ json }: Reply) => Object.values<{ status?: string }>(json)[0]?.status
const until = async (path: string, status: string) =>
  (await look(path, (reply) => statusIn(reply) === status)).json

async function shell(script: string): Promise<string> {
  const argv = ["sh", "-c", script]
  const { body } = await service.call("POST", `/api/machines/${machine}/exec`, { argv })
  const text = (base64: string) => Buffer.from(base64, "base64").toString().trim()
  if (body.exitCode !== 0) throw new Error(`${script}: ${JSON.stringify(body)}`)
  return text(body.stdout)
}

const boot = () => shell("cat /proc/sys/kernel/random/boot_id")
const write = (words: string) => shell(`echo ${words} > /words && sync`)
const read = () => shell("cat /words")
const onExtra = (words: string) => shell(`printf ${words} | dd of=/dev/vdb conv=fsync 2>/dev/null`)
const readExtra = () => shell("dd if=/dev/vdb bs=5 count=1 2>/dev/null")

test("what a restore brings back, and what it leaves alone", async () => {
  const [image] = (await ask("/images")).json.images
  const [flavor] = (await ask("/flavors/")).json.flavors
  const refs = { imageRef: image.links[0].href, flavorRef: flavor.links[0].href }
  const made = await ask("/servers", "POST", { server: { name: "web", ...refs } })
  expect([made.status, made.json.server?.status]).toEqual([202, "BUILD"])
  machine = made.json.server.id
  const server = made.headers.location ?? ""
  await until(server, "ACTIVE")

  const take = async (name: string) => {
    const taken = await ask(`${server}snapshots`, "POST", { snapshot: { name } })
    expect(taken.status, taken.bytes.toString()).toBe(202)
    const path = taken.headers.location ?? ""
    return { path, ...(await until(path, "ACTIVE")).snapshot }
  }
  const restore = async ({ path }: { path: string }) => {
    const { status } = await ask(`${path}action`, "POST", { action: "restore" })
    expect(status).toBe(202)
  }

  await write("one")
  const a = await take("a")
  await write("two")
  const b = await take("b")
  expect([a.parent_guid, b.parent_guid]).toEqual(["", a.guid])

  const wish = { display_name: "more", display_description: "", size: 1, metadata: {} }
  const volumeId = (await ask("/volumes", "POST", { volume: wish })).json.volume.id
  const volumeAttachment = { volumeId, device: "/dev/vdb" }
  const attachments = `${server}os-volume_attachments`
  expect((await ask(attachments, "POST", { volumeAttachment })).status).toBe(200)
  await until(server, "ACTIVE")
  await onExtra("extra")
  const refused = await ask(`${server}snapshots`, "POST", { snapshot: { name: "c" } })
  expect([refused.status, Object.keys(refused.json)]).toEqual([400, ["badRequest"]])

  const before = await boot()
  await restore(a)
  await until(server, "ACTIVE")
  expect([await read(), await readExtra()]).toEqual(["one", "extra"])
  expect(await boot()).not.toBe(before)
  const { snapshots } = (await ask(`${server}snapshots`)).json
  expect(snapshots.map(({ name }: { name: string }) => name)).toEqual(["a", "b"])

  expect((await ask(`${attachments}/${volumeId}`, "DELETE")).status).toBe(204)
  const c = await take("c")
  expect(c.parent_guid).toBe(a.guid)
  expect((await ask(`${server}action`, "POST", { "os-stop": null })).status).toBe(202)
  await until(server, "STOPPED")
  await restore(b)
  await until(server, "STOPPED")
  expect(await qemuOf(dataDir, machine)).toBeUndefined()
  expect((await ask(b.path, "DELETE")).status).toBe(204)
  await ask(`${server}action`, "POST", { "os-start": null })
  await until(server, "ACTIVE")
  expect(await read()).toBe("two")

  expect((await ask(a.path, "DELETE")).status).toBe(204)
  expect((await ask(`${server}snapshots`)).json.snapshots).toEqual([
    expect.objectContaining({ name: "c", status: "ACTIVE", guid: c.guid, parent_guid: "" }),
  ])
  await restore(c)
  await until(server, "ACTIVE")
  expect(await read()).toBe("one")
  await ask(`${server}action`, "POST", { resize: { flavor: { id: "2" } } })
  expect((await until(server, "ACTIVE")).server.flavor.id).toBe(2)
  expect(Number(await shell("awk '/MemTotal/ { print $2 }' /proc/meminfo"))).toBeGreaterThan(4e5)

  expect((await ask(server, "DELETE")).status).toBe(204)
  await look(server, ({ status }) => status === 404)
  expect(await qemuOf(dataDir, machine)).toBeUndefined()
}, 600_000)
