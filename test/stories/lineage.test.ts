/**
 * One machine, visited from four clouds and from home: each takes a snapshot of it, sees those of
 * the others, brings another one's back, and deletes another one's. There is one lineage underneath,
 * and what the guest reads is looked at after every step.
 */
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { gone, qemuOf, strike } from "../fixtures/own-processes.ts"
import { ServerProcess } from "../fixtures/server-process.ts"
import { newKey } from "../fixtures/ssh-keys.ts"
import {
  fromHome,
  fromHostway,
  fromOpenstack,
  fromTriton,
  fromVra,
  type Place,
  type Visitor,
} from "../fixtures/visitors.ts"

const login = "traveller"
const password = "on the road"

let dataDir: string
let service: ServerProcess
let place: Place

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tintype-lineage-"))
  await chmod(dataDir, 0o711)
  service = new ServerProcess(dataDir)
  await service.start()
  await service.done(await service.call("POST", "/api/images/demo"))
  const { body: account } = await service.call("POST", "/api/accounts", { login, password })
  const key = newKey("rsa")
  const acting = { "X-Tintype-Account": login }
  const added = await service.call("POST", "/api/keys", { publicKey: key.publicKey }, acting)
  expect(added.status).toBe(201)
  const wish = { name: "web", imageId: await imageId() }
  const made = await service.call("POST", "/api/machines", wish, acting)
  const { id: machine } = await service.done(made)
  const { urls } = JSON.parse(await readFile(join(dataDir, "server.json"), "utf8"))
  const { disks } = (await service.call("GET", `/api/machines/${machine}`)).body
  const root = disks[0].volumeId
  const { token, refreshToken } = account
  place = { urls, machine, root, login, password, token, refreshToken, key }
})

afterAll(async () => {
  await service.end("SIGTERM")
  const qemu = await qemuOf(dataDir, place.machine)
  if (qemu !== undefined && strike(qemu, "SIGKILL")) await gone(qemu)
  await rm(dataDir, { recursive: true })
})

async function imageId(): Promise<string> {
  const [image] = await service.list("images")
  return image?.id ?? ""
}

async function shell(script: string): Promise<string> {
  const argv = ["sh", "-c", script]
  const { body } = await service.call("POST", `/api/machines/${place.machine}/exec`, { argv })
  if (body.exitCode !== 0) throw new Error(`${script}: ${JSON.stringify(body)}`)
  return Buffer.from(body.stdout, "base64").toString().trim()
}

const write = (words: string) => shell(`echo ${words} > /words && sync`)
const read = () => shell("cat /words")

/** Read through a volume made from it, in the machine itself, and given back afterwards. */
async function readFrom(volume: string): Promise<string> {
  const disk = `/api/machines/${place.machine}`
  await service.done(await service.call("POST", `${disk}/attach`, { volumeId: volume }))
  const words = await shell(
    "until [ -b /dev/vdb ]; do sleep 0.1; done; mount -o ro,noload /dev/vdb /mnt && cat /mnt/words; umount /mnt",
  )
  await service.done(await service.call("POST", `${disk}/detach`, { volumeId: volume }))
  return words
}

test("what one cloud does to a machine's snapshots, every cloud sees and can use", async () => {
  const openstack = await fromOpenstack(place)
  const visitors: Record<string, Visitor> = {
    triton: fromTriton(place),
    openstack,
    vra: await fromVra(place),
    hostway: fromHostway(place),
    home: fromHome(place),
  }
  const names = Object.keys(visitors)
  const everybodySees = async (expected: readonly string[]) => {
    for (const [who, visitor] of Object.entries(visitors)) {
      const seen = await visitor.list()
      expect(seen.map(({ name }) => name).sort(), who).toEqual([...expected].sort())
      expect(
        seen.every(({ ready }) => ready),
        who,
      ).toBe(true)
    }
  }

  for (const [name, visitor] of Object.entries(visitors)) {
    await write(name)
    await visitor.snapshot(name)
    expect(await read(), `while ${name} took it`).toBe(name)
    await everybodySees(names.slice(0, names.indexOf(name) + 1))
  }

  // Each brings back what another one took; nothing newer is lost by it.
  for (const [who, whose] of [
    ["triton", "hostway"],
    ["hostway", "vra"],
    ["vra", "home"],
    ["home", "triton"],
    ["triton", "openstack"],
  ] as const) {
    await write("broken")
    await visitors[who]?.restore?.(whose)
    expect(await read(), `${who} brought back ${whose}`).toBe(whose)
    await everybodySees(names)
  }
  // Block Storage v1 brings nothing back in its place: it makes a volume.
  for (const whose of names) {
    expect(await readFrom(await openstack.volumeFrom(whose)), `a volume of ${whose}`).toBe(whose)
  }

  // Each deletes what another one took, and all that stands on it lives on.
  const left = new Set(names)
  for (const [who, whose] of [
    ["vra", "hostway"],
    ["openstack", "vra"],
    ["home", "triton"],
    ["triton", "openstack"],
  ] as const) {
    await visitors[who]?.remove(whose)
    left.delete(whose)
    await everybodySees([...left])
    expect(await read(), `after ${who} deleted ${whose}`).toBe("openstack")
  }
  await visitors["hostway"]?.restore?.("home")
  expect(await read()).toBe("home")
  await visitors["hostway"]?.remove("home")
  await everybodySees([])
  expect(await read()).toBe("home")
  await service.settled()
  const { body: doctor } = await service.call("POST", "/api/doctor", {})
  const wrong = (doctor.items as { severity: string }[]).filter((one) => one.severity === "wrong")
  expect(wrong).toEqual([])
})
