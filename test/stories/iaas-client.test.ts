/**
 * The whole life of snapshots through the IaaS face, by a client generated from its description,
 * with a real server and a real machine whose program counts in its memory.
 */
import { chmod, mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import { allowUserfaults } from "../fixtures/counting-guest.ts"
import { gone, qemuOf, strike } from "../fixtures/own-processes.ts"
import { ServerProcess } from "../fixtures/server-process.ts"
import { type Called, caller, swaggerClient, typeComplaints } from "../fixtures/swagger-client.ts"

const apiVersion = "2021-07-15"
let dataDir: string
let server: ServerProcess
let url: string
let machine = ""
/** Answers of the real server, by the definition that they are of. */
const seen: [definition: string, value: unknown][] = []

beforeAll(async () => {
  await allowUserfaults()
  dataDir = await mkdtemp(join(tmpdir(), "tintype-iaas-"))
  await chmod(dataDir, 0o755)
  server = new ServerProcess(dataDir)
  await server.start()
  await server.done(await server.call("POST", "/api/images/demo"))
  await findServer()
})

afterAll(async () => {
  await server.end("SIGTERM")
  const qemu = await qemuOf(dataDir, machine)
  if (qemu !== undefined && strike(qemu, "SIGKILL")) await gone(qemu)
  await rm(dataDir, { recursive: true, force: true })
})

async function findServer(): Promise<void> {
  url = JSON.parse(await readFile(join(dataDir, "server.json"), "utf8")).urls.iaas
}

/** A client that has logged in as the owner of a new account. */
async function login(refreshToken: string) {
  const description = `${url}/iaas/api/swagger?apiVersion=${apiVersion}`
  const stranger = caller(await swaggerClient({ url: description }))
  const about = await stranger("getAboutPage")
  expect(about.body.latestApiVersion).toBe(apiVersion)
  const { body } = await stranger("retrieveAuthToken", { body: { refreshToken } })
  expect(body.tokenType).toBe("Bearer")
  seen.push(["About", about.body], ["AuthResponse", body])
  expect((await stranger("getMachines")).status).toBe(401)
  const authorizations = { Bearer: `Bearer ${body.token}` }
  const client = await swaggerClient({ url: description, authorizations })
  return { spec: client.spec, call: caller(client) }
}

type Call = ReturnType<typeof caller>

/** The tracker at its end; its progress never falls. */
async function ended(call: Call, { status, body }: Called) {
  expect([status, body]).toEqual([expect.toBeOneOf([200, 202]), expect.any(Object)])
  const tracked = [body]
  for (let tracker = body; tracker.status === "INPROGRESS"; tracked.push(tracker)) {
    await sleep(20)
    tracker = (await call("getRequestTracker", { id: tracker.id })).body
    expect(tracker.progress).toBeGreaterThanOrEqual(tracked.at(-1).progress)
  }
  const last = tracked.at(-1)
  seen.push(["RequestTracker", body], ["RequestTracker", last])
  return { ...last, steps: new Set(tracked.map(({ progress }) => progress)).size }
}

async function finished(call: Call, called: Called): Promise<string[]> {
  const { status, message, progress, resources } = await ended(call, called)
  expect([status, message, progress]).toEqual(["FINISHED", expect.any(String), 100])
  return resources.map((path: string) => path.split("/").at(-1))
}

async function shell(script: string): Promise<string> {
  const argv = ["sh", "-c", script]
  const { status, body } = await server.call("POST", `/api/machines/${machine}/exec`, { argv })
  if (status !== 200 || body.exitCode !== 0) throw new Error(`${script}: ${JSON.stringify(body)}`)
  return Buffer.from(body.stdout, "base64").toString().trim()
}

const counting =
  "n=0; while :; do n=$((n + 1)); echo $n > /run/next; mv /run/next /run/n; sleep 0.05; done"
/** What it has counted to, once it has counted on. */
const countsOn = async (): Promise<number> =>
  Number(
    await shell(
      "was=$(cat /run/n); while [ $(cat /run/n) = $was ]; do sleep 0.02; done; cat /run/n",
    ),
  )
/** Of this very run of the guest, and of no other. */
const boot = () => shell("cat /proc/sys/kernel/random/boot_id")

test("a generated client runs the whole life cycle, and memory comes back mid-count", async () => {
  const made = await server.call("POST", "/api/accounts", { login: "acme" })
  const { spec, call } = await login(made.body.refreshToken)
  const [project] = (await call("getProjects")).body.content
  const wish = { name: "counter", image: "demo", flavor: "small", projectId: project.id }
  const created = await ended(call, await call("createMachine", { body: wish }))
  expect(created.status, created.message).toBe("FINISHED")
  expect(created.steps).toBeGreaterThan(2)
  const $filter = "name eq 'counter'"
  const list = (await call("getMachines", { $filter, $top: 5, $count: true, apiVersion })).body
  const id: string = list.content[0].id
  machine = id
  expect(created.resources).toEqual([`/iaas/api/machines/${id}`])
  const power = async () => (await call("getMachine", { id })).body.powerState
  await shell(`(${counting}) >/dev/null 2>&1 </dev/null & echo $! > /run/counter`)
  await shell("while [ ! -s /run/n ]; do sleep 0.02; done; sync")
  const run = await boot()
  const least = await countsOn()

  const specification = { id: "", _links: {}, name: "before", description: "upgrade" }
  const memory = { ...specification, snapshotMemory: true }
  const asked = await call("createMachineSnapshot", { id, body: memory })
  expect(asked.body).toMatchObject({ status: "INPROGRESS" })
  const [first, snapshotId] = await finished(call, asked)
  expect([first, await power(), await boot()]).toEqual([id, "ON", run])
  const snapshot = (await call("getMachineSnapshot", { id, snapshotId })).body
  expect(snapshot).toMatchObject({ isCurrent: true, snapshotMemory: true, name: "before" })
  expect(snapshot.consistency).toMatchObject({ label: "memory" })
  expect(snapshot.consistency.pauseMs).toBeGreaterThan(0)
  expect((await call("getMachineSnapshots", { id })).body).toEqual([snapshot])

  await shell("echo late > /run/late; echo late > /late; sync; kill $(cat /run/counter)")
  expect(await shell("cat /late")).toBe("late")
  const reverted = await call("revertMachineSnapshot", { id, snapshotId, apiVersion })
  expect(await finished(call, reverted)).toEqual([id])
  expect([await power(), await boot()]).toEqual(["ON", run])
  expect(await countsOn()).toBeGreaterThan(least)
  expect(await shell("ls /run/late /late 2>/dev/null || true")).toBe("")

  await withoutMemory(call, id)
  const deleted = await call("deleteMachineSnapshot", { id, snapshotId })
  await finished(call, deleted)
  const missing = await call("getMachineSnapshot", { id, snapshotId })
  expect([missing.status, missing.body.statusCode]).toEqual([404, 404])
  seen.push(["MachineResult", list], ["Snapshot", snapshot], ["ServiceErrorResponse", missing.body])

  await server.end("SIGKILL")
  await server.start()
  await findServer()
  const again = await login(made.body.refreshToken)
  const tracker = await again.call("getRequestTracker", { id: deleted.body.id })
  expect(tracker.body.status).toBe("FINISHED")
  await finished(again.call, await again.call("deleteMachine", { id }))
  expect((await again.call("getMachine", { id })).status).toBe(404)
  expect(await typeComplaints(dataDir, spec, seen)).toBe("")
})

/** The machine is off afterwards; and of one that is off no memory can be kept. */
async function withoutMemory(call: Call, id: string): Promise<void> {
  await shell("echo kept > /kept; sync")
  const body = { id: "", _links: {}, name: "plain", description: "" }
  const taken = await call("createMachineSnapshot", { id, body })
  const [, plain] = await finished(call, taken)
  await shell("rm /kept; sync")
  const revert = { id, snapshotId: plain, apiVersion }
  await finished(call, await call("revertMachineSnapshot", revert))
  expect((await call("getMachine", { id })).body.powerState).toBe("OFF")
  const wish = { id, body: { ...body, snapshotMemory: true } }
  const failed = await ended(call, await call("createMachineSnapshot", wish))
  expect([failed.status, failed.message]).toEqual(["FAILED", expect.stringContaining("is stopped")])
  await finished(call, await call("powerOnMachine", { id }))
  expect(await shell("cat /kept")).toBe("kept")
}

test("the check of types sees what is wrong", async () => {
  const { spec } = await swaggerClient({ url: `${url}/iaas/api/swagger` })
  const tracker = { id: "1", progress: 1, selfLink: "/1" }
  const complaints = await typeComplaints(dataDir, spec, [
    ["RequestTracker", { ...tracker, status: "FINISHED" }],
    ["RequestTracker", { ...tracker, status: "DONE" }],
  ])
  expect(complaints).toContain("uses.ts(3,")
  expect(complaints).not.toContain("uses.ts(2,")
})
