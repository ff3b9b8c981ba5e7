/**
 * `triton` and the `sdc-*` tools, unchanged, against a real server and a machine that really
 * boots: what the guest reads proves that it went back.
 *
 * `TINTYPE_TRANSCRIPTS=<folder>` writes down what the clients and the server said to each other.
 */
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { demoImageId } from "../../src/domain/image.ts"
import {
  Agent,
  ClientKey,
  type Holder,
  type Ran,
  sdc,
  triton,
} from "../fixtures/cloudapi-clients.ts"
import { qemuOf, strike } from "../fixtures/own-processes.ts"
import { ServerProcess } from "../fixtures/server-process.ts"
import { condensed, type Transcript } from "../fixtures/transcripts.ts"
import { type Witness, witnessOf } from "../fixtures/witness.ts"

type KeyKind = "rsa" | "ecdsa" | "ed25519"

let folder = ""
let server: ServerProcess
let agent: Agent
let keys: Record<KeyKind, ClientKey>
let witness: Witness
let machine = ""
/** Past the witness. */
let unseen = ""

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "tintype-cloudapi-"))
  const dataDir = join(folder, "data")
  await mkdir(dataDir)
  server = new ServerProcess(dataDir)
  await server.start()
  const { urls } = JSON.parse(await readFile(join(dataDir, "server.json"), "utf8"))
  unseen = urls.cloudapi
  witness = await witnessOf(unseen)
  agent = await Agent.start(folder)
  const make = (kind: KeyKind) => ClientKey.make(folder, kind, agent)
  keys = { rsa: await make("rsa"), ecdsa: await make("ecdsa"), ed25519: await make("ed25519") }
  const made = await server.call("POST", "/api/accounts", { login: "mark" })
  for (const { publicKey, kind } of Object.values(keys)) {
    const added = await fetch(new URL("/api/keys", urls.native), {
      method: "POST",
      headers: {
        authorization: `Bearer ${made.body.token}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ publicKey, name: kind }),
    })
    expect(added.status).toBe(201)
  }
  await server.done(await server.call("POST", "/api/images/demo"))
  machine = (await created()).id
})

afterAll(async () => {
  await witness.close()
  await agent.end()
  const qemu = await qemuOf(server.dataDir, machine)
  await server.end("SIGTERM")
  if (qemu !== undefined) strike(qemu, "SIGKILL")
  await rm(folder, { recursive: true, force: true })
})

const loginWith = (kind: KeyKind, holder: Holder) => ({
  url: witness.url,
  account: "mark",
  key: keys[kind],
  holder,
})

/** By the client itself, waiting until it runs. */
async function created() {
  witness.note("triton inst create -w")
  const argv = ["inst", "create", "-w", "-j", "-n", "web", "demo", "sample-256M"]
  const lines = well(await triton(loginWith("rsa", "file"), ...argv))
    .trim()
    .split("\n")
  const last = JSON.parse(lines.at(-1) ?? "")
  expect(last).toMatchObject({
    name: "web",
    state: "running",
    brand: "bhyve",
    package: "sample-256M",
  })
  return last
}

function well({ code, stdout, stderr }: Ran): string {
  expect([code, stderr]).toEqual([0, ""])
  return stdout
}

async function shell(script: string): Promise<string> {
  const path = `/api/machines/${machine}/exec`
  const { body } = await server.call("POST", path, { argv: ["sh", "-c", script] })
  expect(body.exitCode).toBe(0)
  return Buffer.from(body.stdout, "base64").toString()
}

const underWay = () =>
  server.list("operations", `&unended=true&allAccounts=true&subjectId=${machine}`)

/** For the tools that do not wait themselves. */
async function settled(): Promise<void> {
  for (const { id } of await underWay()) await server.ended(id)
}

/** The algorithms in the signatures that were seen since. */
const algorithmsSince = (start: number) =>
  new Set(
    witness.seen
      .slice(start)
      .map(
        ({ request }) => /algorithm="([^"]+)"/.exec(request.headers["authorization"] ?? "")?.[1],
      ),
  )

describe.each<[KeyKind, Holder, string]>([
  ["rsa", "file", "rsa-sha256"],
  ["ecdsa", "file", "ecdsa-sha256"],
  ["ed25519", "file", "ed25519-sha512"],
  ["rsa", "agent", "rsa-sha256"],
])("triton with a key of %s in its %s", (kind, holder, algorithm) => {
  test("takes a snapshot, finds it, starts from it and deletes it, waiting each time", async () => {
    const start = witness.seen.length
    const login = loginWith(kind, holder)
    const name = `${kind}-${holder}`
    const inst = (...argv: string[]) => {
      witness.note(`triton inst ${argv.join(" ")} (${name})`.replaceAll(machine, "INST"))
      return triton(login, "inst", ...argv)
    }
    await shell(`echo ${name} > /proof && sync`)
    const argv = ["snapshot", "create", "-w", "-n", name, machine]
    expect(well(await inst(...argv))).toContain(`Created snapshot "${name}"`)
    await shell("echo broken > /proof && sync")
    const listed = well(await inst("snapshot", "list", "-j", machine))
    expect(
      listed
        .trim()
        .split("\n")
        .map((line) => JSON.parse(line).name),
    ).toContain(name)
    const got = JSON.parse(well(await inst("snapshot", "get", machine, name)))
    expect(got).toMatchObject({ name, state: "created" })
    expect(got.size).toBeGreaterThan(0)
    expect(well(await inst("start", "-w", `--snapshot=${name}`, machine))).toContain("Start")
    expect(await underWay()).toEqual([])
    expect(await shell("cat /proof")).toBe(`${name}\n`)
    expect(well(await inst("snapshot", "delete", "-f", "-w", machine, name))).toContain("Deleted")
    const gone = await inst("snapshot", "get", machine, name)
    expect([gone.code, gone.stderr]).toEqual([1, expect.stringContaining("does not exist")])
    expect(algorithmsSince(start)).toEqual(new Set([algorithm]))
  })
})

describe.each<[KeyKind, Holder, string]>([
  ["rsa", "file", "rsa-sha256"],
  ["ecdsa", "file", "ecdsa-sha256"],
  ["rsa", "agent", "rsa-sha1"],
])("the sdc tools with a key of %s in its %s", (kind, holder, algorithm) => {
  test("take a snapshot, find it, start from it and delete it", async () => {
    const start = witness.seen.length
    const login = loginWith(kind, holder)
    const name = `sdc-${kind}-${holder}`
    const tool = (command: string, ...argv: string[]) => {
      witness.note(`sdc-${command} ${argv.join(" ")} (${name})`.replaceAll(machine, "INST"))
      return sdc(login, command, ...argv)
    }
    const snapshot = `--snapshot=${name}`
    await shell(`echo ${name} > /proof && sync`)
    const made = await tool("createmachinesnapshot", `--name=${name}`, machine)
    expect(JSON.parse(well(made))).toMatchObject({ name, state: "queued" })
    await settled()
    await shell("echo broken > /proof && sync")
    const listed = JSON.parse(well(await tool("listmachinesnapshots", machine)))
    expect(listed[0]).toMatchObject({ name, state: "created" })
    const got = JSON.parse(well(await tool("getmachinesnapshot", snapshot, machine)))
    // The guest goes on writing, and what only the snapshot holds grows.
    const { size: _size, ...same } = listed[0]
    expect(got).toMatchObject(same)
    well(await tool("startmachinefromsnapshot", snapshot, machine))
    await settled()
    expect(await shell("cat /proof")).toBe(`${name}\n`)
    expect(well(await tool("deletemachinesnapshot", snapshot, machine))).toBe("")
    const again = await tool("deletemachinesnapshot", snapshot, machine)
    expect([again.code, again.stderr]).toEqual([3, expect.stringContaining(`${name} not found`)])
    expect(algorithmsSince(start)).toEqual(new Set([algorithm]))
  })
})

test("both look around and find what there is", async () => {
  const login = loginWith("rsa", "file")
  const shown = async (...argv: string[]) => {
    witness.note(`triton ${argv.join(" ")}`)
    return well(await triton(login, ...argv, "-j"))
  }
  expect(JSON.parse(await shown("account", "get"))).toMatchObject({ login: "mark" })
  expect(JSON.parse(await shown("inst", "list"))).toMatchObject({ name: "web", state: "running" })
  expect(JSON.parse(await shown("image", "list"))).toMatchObject({ name: "demo", state: "active" })
  expect(await shown("pkg", "list")).toContain('"sample-512M"')
  expect(await shown("network", "list")).toBe("")
  expect(await shown("key", "list")).toContain(keys.ecdsa.fingerprint)
  expect(await shown("datacenters")).toContain(witness.url)
  expect(JSON.parse(await shown("info"))).toMatchObject({
    login: "mark",
    instances: { running: 1 },
  })
  witness.note("sdc-listmachines")
  const machines = JSON.parse(well(await sdc(login, "listmachines")))
  expect(machines).toMatchObject([{ id: machine, name: "web", state: "running" }])
  expect(machines[0]).not.toHaveProperty("brand")
  witness.note("sdc-getmachineaudit")
  const audit = JSON.parse(well(await sdc(login, "getmachineaudit", machine)))
  const actions = audit.map(({ action }: { action: string }) => action)
  expect(actions[0]).toBe("delete_snapshot")
  expect(actions.at(-1)).toBe("provision")
  const known = Object.values(keys).map(({ fingerprint }) => `/mark/keys/${fingerprint}`)
  expect(known).toContain(audit[0].caller.keyId)
})

test("both are told what is wrong, in words, and end with their own codes", async () => {
  const login = loginWith("ecdsa", "file")
  witness.note("triton inst snapshot create -n bad/name INST")
  const bad = await triton(login, "inst", "snapshot", "create", "-n", "bad/name", machine)
  expect([bad.code, bad.stderr]).toEqual([1, expect.stringContaining("InvalidArgument")])
  witness.note("triton inst start --snapshot=never INST")
  const never = await triton(login, "inst", "start", "--snapshot=never", machine)
  expect([never.code, never.stderr]).toEqual([1, expect.stringContaining("does not exist")])
  witness.note("triton with a key of nobody")
  const stranger = await ClientKey.make(join(folder, "stranger"), "ecdsa", agent)
  const refused = await triton({ ...login, key: stranger }, "inst", "list")
  expect([refused.code, refused.stderr]).toEqual([
    1,
    expect.stringContaining("Invalid authorization credentials supplied"),
  ])
})

test("a user of the account is given a key by its owner, and may look and no more", async () => {
  // Not written down: the transcript's tests know the account's owner alone.
  const owner = { ...loginWith("rsa", "file"), url: unseen }
  const key = await ClientKey.make(join(folder, "bob"), "rsa", agent)
  await server.call("POST", "/api/users", { name: "bob", account: "mark", role: "reader" })
  well(await triton(owner, "rbac", "key", "-a", "-n", "laptop", "bob", key.publicFile))
  const bob = { ...owner, user: "bob", key }
  expect(JSON.parse(well(await triton(bob, "inst", "list", "-j")))).toMatchObject({ name: "web" })
  const refused = await triton(bob, "inst", "snapshot", "create", "-n", "bobs", machine)
  expect([refused.code, refused.stderr]).toEqual([1, expect.stringContaining("NotAuthorized")])
  const inRole = JSON.parse(well(await sdc(bob, "listmachines", "--role=reader")))
  expect(inRole).toMatchObject([{ id: machine }])
  expect(well(await triton(owner, "rbac", "info"))).toContain("bob")
})

test("a machine is stopped, started, rebooted, renamed and deleted, waiting each time", async () => {
  const login = loginWith("ed25519", "file")
  const inst = async (...argv: string[]) => {
    witness.note(`triton inst ${argv.join(" ")}`.replaceAll(machine, "INST"))
    return well(await triton(login, "inst", ...argv))
  }
  await inst("stop", "-w", machine)
  expect(JSON.parse(await inst("get", "-j", "web")).state).toBe("stopped")
  await inst("start", "-w", machine)
  await inst("reboot", "-w", machine)
  await inst("rename", "-w", machine, "renamed")
  await inst("tag", "set", "-w", "renamed", "role=db", "primary=true")
  expect(JSON.parse(await inst("tag", "list", "renamed"))).toEqual({ role: "db", primary: true })
  await inst("snapshot", "create", "-w", "-n", "goes-along", "renamed")
  await inst("delete", "-f", "-w", "renamed")
  const { body } = await server.call("GET", "/api/snapshots")
  expect(body.items).toEqual([])
  await writeDown()
})

async function writeDown(): Promise<void> {
  const place = process.env["TINTYPE_TRANSCRIPTS"]
  if (place === undefined) return
  const transcript: Transcript = {
    machine,
    image: demoImageId,
    publicKeys: Object.values(keys).map(({ publicKey }) => publicKey),
    exchanges: condensed(witness.seen),
  }
  await writeFile(join(place, "clients.json"), `${JSON.stringify(transcript, null, 1)}\n`)
}
