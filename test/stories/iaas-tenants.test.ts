/**
 * What is Alice's is not there for Bob: every route that names something is asked with her ids
 * and with ids of nothing, and he cannot tell the answers apart. On fakes.
 */
import { beforeEach, expect, test } from "vitest"
import { iaasFace, iaasForEachTest, type Tenant } from "../fixtures/iaas-house.ts"

const iaas = iaasForEachTest()
const nothing = "01930000-0000-7000-8000-00000000dead"
const idOf = (path: string) => path.split("/").at(-1) ?? ""
let alice: Tenant
let bob: Tenant
let machine: string
let disk: string
let hers: Record<string, string>
/** Of Bob's own, to be used together with hers. */
let own: { machine: string; disk: string }
beforeEach(async () => {
  alice = await iaas.tenant("alice")
  bob = await iaas.tenant("bob")
  machine = await iaas.machine(alice, "hers")
  disk = await iaas.disk(alice, "hers")
  const snapshot = await iaas.done(
    alice,
    await alice.ask("POST", `${machine}/operations/snapshots`),
  )
  const point = await iaas.done(
    alice,
    await alice.ask("POST", `${disk}/operations/snapshots`, { body: {} }),
  )
  const trackers = await alice.ask("GET", "/iaas/api/request-tracker")
  hers = {
    machines: idOf(machine),
    "block-devices": idOf(disk),
    "request-tracker": trackers.json.content[0].id,
    projects: alice.projectId,
    zones: nothing,
    deployments: nothing,
    snapshotId: idOf(snapshot),
    id1: idOf(point),
    diskId: idOf(disk),
  }
  await iaas.image(bob.who)
  own = { machine: await iaas.machine(bob, "his"), disk: await iaas.disk(bob, "his") }
})

const named = iaasFace().routes.filter(({ path, open }) => path.includes(":") && !open)
const shown = ({ method, path }: { method: string; path: string }) => `${method} ${path}`

/** The path with ids in it; those of nothing have the same shape. */
function filled(path: string, ids: Record<string, string>): string {
  const [, , , noun = ""] = path.split("/")
  const filledIn = path.replaceAll(/:(\w+)/g, (_all, name: string) =>
    name in ids ? (ids[name] ?? "") : (ids[noun] ?? ""),
  )
  const query = `apiVersion=2021-07-15&capacityInGB=2&cpuCount=2&id=${ids["id1"]}`
  return `${filledIn}?${query}`
}

/** Without what is different in every answer. */
async function told(who: Tenant, method: string, path: string) {
  const body = method === "GET" ? {} : { body: { blockDeviceId: idOf(own.disk), description: "x" } }
  const { status, json } = await who.ask(method, path, body)
  const text = JSON.stringify({ ...json, serverErrorId: "" })
  return { status, text: text.replaceAll(/[0-9a-f]{8}-[0-9a-f-]{27}|[0-9a-f]{32}/g, "ID") }
}

const state = async () => {
  const all = ["machines", "block-devices"].map((noun) => `/iaas/api/${noun}`)
  const paths = [...all, `${machine}/snapshots`, `${disk}/snapshots`]
  return await Promise.all(paths.map(async (path) => (await alice.ask("GET", path)).json))
}

test(`${named.length} routes answer another account as if there were nothing`, async () => {
  expect(named.length).toBeGreaterThan(30)
  const nobodys = Object.fromEntries(
    Object.entries(hers).map(([name, id]) => [name, id.length === 32 ? "f".repeat(32) : nothing]),
  )
  const before = await state()
  for (const route of named) {
    const seen = await told(bob, route.method, filled(route.path, hers))
    const unseen = await told(bob, route.method, filled(route.path, nobodys))
    expect([shown(route), seen]).toEqual([shown(route), { ...unseen, status: 404 }])
  }
  expect(await state()).toEqual(before)
})

test("ids of hers under things of his are not found, and do nothing", async () => {
  const before = await state()
  const asked: [method: string, path: string, body?: object][] = [
    ["GET", `${own.machine}/snapshots/${hers["snapshotId"]}`],
    ["DELETE", `${own.machine}/snapshots/${hers["snapshotId"]}`],
    ["POST", `${own.machine}/operations/revert/${hers["snapshotId"]}?apiVersion=2021-07-15`],
    ["GET", `${own.machine}/disks/${hers["diskId"]}`],
    ["DELETE", `${own.machine}/disks/${hers["diskId"]}`],
    ["POST", `${own.machine}/disks`, { blockDeviceId: hers["diskId"] }],
    ["GET", `${own.disk}/snapshots/${hers["id1"]}`],
    ["DELETE", `${own.disk}/snapshots/${hers["id1"]}`],
    ["POST", `${own.disk}/operations/revert?id=${hers["id1"]}`],
  ]
  for (const [method, path, body] of asked) {
    const { status } = await bob.ask(method, path, body === undefined ? {} : { body })
    expect([method, path, status]).toEqual([method, path, 404])
  }
  expect(await state()).toEqual(before)
})

test("new things are made neither of hers nor for her", async () => {
  const of = (more: object) => ({ name: "m", image: "i", flavor: "small", ...more })
  const tell = async (path: string, body: object) => {
    const { status, json } = await bob.ask("POST", path, { body })
    return [status, json.message]
  }
  const machines = "/iaas/api/machines"
  const disks = (id: string | undefined) => of({ disks: [{ blockDeviceId: id }] })
  expect(await tell(machines, disks(hers["diskId"]))).toEqual(await tell(machines, disks(nothing)))
  expect((await tell(machines, disks(nothing)))[0]).toBe(400)
  for (const path of [machines, "/iaas/api/block-devices"]) {
    const foreign = (projectId: string) => ({ ...of({ projectId }), capacityInGB: 1 })
    const answer = await tell(path, foreign(alice.projectId))
    expect(answer[0]).toBe(403)
    expect(answer).toEqual(await tell(path, foreign("f".repeat(32))))
  }
})

test("lists and trackers are of one's own alone", async () => {
  const names = async (who: Tenant, path: string) =>
    (await who.ask("GET", path)).json.content.map(({ name }: { name: string }) => name)
  for (const noun of ["machines", "block-devices"]) {
    for (const query of ["", "?$filter=name ne 'x'", `?$filter=id eq '${hers[noun]}'`]) {
      const found = await names(bob, `/iaas/api/${noun}${query}`.replaceAll(" ", "%20"))
      expect(found).not.toContain("hers")
    }
  }
  expect(await names(bob, "/iaas/api/projects")).toEqual(["bob"])
  const trackers = (await bob.ask("GET", "/iaas/api/request-tracker")).json
  expect(JSON.stringify(trackers)).not.toContain(hers["machines"])
  const image = async (who: Tenant) =>
    (await who.ask("GET", "/iaas/api/images")).json.content[0].mapping.i.id
  expect(await image(bob)).not.toBe(await image(alice))
})

test("without a token every route that is not for logging in answers 401", async () => {
  for (const route of iaasFace().routes.filter(({ open }) => !open)) {
    const reply = await iaas.ask(route.method, filled(route.path, hers), { token: null })
    expect([shown(route), reply.status]).toEqual([shown(route), 401])
  }
})
