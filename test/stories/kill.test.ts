/**
 * A real server process, killed with SIGKILL at random instants while it works, started again,
 * and asked what became of the work. Its machine must not notice. `TINTYPE_SEED` repeats a run.
 */
import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"

const root = new URL("../../", import.meta.url).pathname
const rounds = process.env["TINTYPE_LONG"] === "1" ? 200 : 12
const seed = Number(process.env["TINTYPE_SEED"] ?? Date.now() % 1_000_000)
const mib = 2 ** 20

let dataDir: string
let server: ChildProcess
let url: string
let token: string

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "tintype kill "))
  await start()
}, 60_000)

afterAll(async () => {
  const { items } = await list("machines")
  for (const { id } of items) await ended(await call("DELETE", `/api/machines/${id}`))
  server.kill("SIGTERM")
  await once(server, "exit")
  await rm(dataDir, { recursive: true })
}, 120_000)

test(`killed ${rounds} times (seed ${seed}), it always finds its way back`, async () => {
  await ended(await call("POST", "/api/images/demo"))
  const { items } = await list("images")
  const made = await call("POST", "/api/machines", { name: "m", imageId: items[0]?.id })
  await ended(made)
  const machine = made.body.id
  const boot = await bootId(machine)
  const volume = (await ended(await call("POST", "/api/volumes", { name: "v", sizeBytes: mib }))).id
  const random = randomFrom(seed)
  const acknowledged = new Set<string>()

  for (let round = 0; round < rounds; round += 1) {
    const work = storm(round, { machine, volume }, acknowledged)
    await sleep(random() * 120)
    server.kill("SIGKILL")
    await once(server, "exit")
    await work
    await start()
    await settled()
    const { items: snapshots } = await list("snapshots")
    const known = new Set(snapshots.map(({ id }) => id))
    const lost = [...acknowledged].filter((id) => !known.has(id))
    expect(lost, "snapshots that were acknowledged and are gone").toEqual([])
    for (const { state, name } of snapshots) expect(["ready", "failed"], name).toContain(state)
    const { body } = await call("GET", "/api/doctor")
    const wrong = body.items.filter(({ severity }) => severity === "wrong")
    expect(wrong, `after round ${round}`).toEqual([])
  }
  expect(await bootId(machine)).toBe(boot)
}, 3_600_000)

/** As much as it takes before the power goes; whatever is answered 202 is remembered. */
async function storm(
  round: number,
  { machine, volume }: { machine: string; volume: string },
  acknowledged: Set<string>,
): Promise<void> {
  const ask = async (body: object) => {
    const answer = await call("POST", "/api/snapshots", body)
    if (answer.status === 202) acknowledged.add(answer.body.id)
  }
  const wishes: (() => Promise<unknown>)[] = [
    () => ask({ name: `m${round}`, machineId: machine }),
    () => ask({ name: `v${round}`, volumeId: volume }),
    () => call("PUT", `/api/volumes/${volume}/content?format=raw`, Buffer.alloc(mib, round)),
    () => call("POST", "/api/volumes", { name: `w${round}`, sizeBytes: mib }),
    () => ask({ name: `n${round}`, machineId: machine }),
  ]
  // The connection dies with the server: that is what this is about.
  await Promise.allSettled(wishes.map((wish) => wish()))
}

async function start(): Promise<void> {
  const ports = ["NATIVE", "CLOUDAPI", "IAAS", "HOSTWAY", "OPENSTACK"]
  const env = Object.fromEntries(ports.map((port) => [`TINTYPE_PORT_${port}`, "0"]))
  server = spawn(process.execPath, [join(root, "src/main.ts"), "serve", "--data", dataDir], {
    env: { ...process.env, ...env, TINTYPE_LOG: "silent" },
    stdio: ["ignore", "ignore", "pipe"],
  })
  let said = ""
  for await (const chunk of server.stderr ?? []) {
    said += String(chunk)
    if (said.includes("ready")) break
  }
  if (!said.includes("ready")) throw new Error(`the server did not start: ${said}`)
  url = JSON.parse(await readFile(join(dataDir, "server.json"), "utf8")).urls.native
  token = (await readFile(join(dataDir, "admin-token"), "utf8")).trim()
}

type Thing = { id: string; name: string; state: string }
type Answer = {
  status: number
  body: Thing & { operationId: string; items: (Thing & { severity: string })[] } & Record<
      string,
      string
    >
}

async function call(method: string, path: string, body?: object | Buffer): Promise<Answer> {
  const bytes = Buffer.isBuffer(body)
  const response = await fetch(`${url}${path}`, {
    method,
    headers: {
      Authorization: `Bearer ${token}`,
      "Content-Type": bytes ? "application/octet-stream" : "application/json",
    },
    ...(body === undefined ? {} : { body: bytes ? new Uint8Array(body) : JSON.stringify(body) }),
  })
  return { status: response.status, body: (await response.json()) as Answer["body"] }
}

const list = async (what: string) => (await call("GET", `/api/${what}?limit=1000`)).body

async function ended(answer: Answer): Promise<Thing> {
  expect(answer.status, JSON.stringify(answer.body)).toBe(202)
  for (;;) {
    const { body } = await call("GET", `/api/operations/${answer.body.operationId}?wait=30`)
    if (body.state === "done") return answer.body
    if (["undone", "stuck"].includes(body.state))
      throw new Error(`${body["kind"]}: ${body["reason"]}`)
  }
}

async function settled(): Promise<void> {
  for (;;) {
    const { items } = (await call("GET", "/api/operations?unended=true&limit=1000")).body
    if (items.length === 0) return
    expect(items.map(({ state }) => state)).not.toContain("stuck")
    await call("GET", `/api/operations/${items[0]?.id}?wait=5`)
  }
}

async function bootId(machine: string): Promise<string> {
  const argv = ["cat", "/proc/sys/kernel/random/boot_id"]
  const { body } = await call("POST", `/api/machines/${machine}/exec`, { argv })
  return Buffer.from(body["stdout"] ?? "", "base64").toString()
}

/** A small generator that a seed repeats (mulberry32). */
function randomFrom(start: number): () => number {
  let state = start
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}
