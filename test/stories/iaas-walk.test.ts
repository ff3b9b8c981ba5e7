/** Every operation of the description, once at least; each answer is held against its schema. */
import { expect, test } from "vitest"
import { iaasFace, iaasForEachTest } from "../fixtures/iaas-house.ts"
import { description, operationOf } from "../fixtures/iaas-traffic.ts"
import { violations } from "../fixtures/json-schema.ts"

const iaas = iaasForEachTest()
const nowhere = "01930000-0000-7000-8000-00000000dead"
const api = "/iaas/api"

test("all operations answer as their schemas say", async () => {
  const alice = await iaas.tenant("alice")
  const ask = alice.ask
  const login = { method: "POST", token: null, body: { refreshToken: alice.refreshToken } }
  expect((await ask("POST", `${api}/login`, login)).status).toBe(200)
  await ask("POST", `${api}/login`, { token: null, body: {} })
  await ask("GET", `${api}/about`, { token: null })
  await iaas.image(alice.who)
  for (const list of ["zones", "projects", "images", "flavors", "deployments"]) {
    expect((await ask("GET", `${api}/${list}`)).status).toBe(200)
  }
  expect((await ask("GET", `${api}/zones/local`)).status).toBe(200)
  expect((await ask("GET", `${api}/projects/${alice.projectId}`)).status).toBe(200)
  for (const one of ["zones", "projects", "deployments"]) {
    expect((await ask("GET", `${api}/${one}/${nowhere}`)).status).toBe(404)
  }
  const machine = await iaas.machine(alice, "web", { tags: [{ key: "env", value: "dev" }] })
  const disk = await iaas.disk(alice)
  await machineWalk(alice, machine)
  await diskWalk(alice, machine, disk)
  await snapshotWalk(alice, machine)
  const trackers = await ask("GET", `${api}/request-tracker`)
  expect(trackers.json.numberOfElements).toBeGreaterThan(20)
  const [newest] = trackers.json.content
  expect((await ask("DELETE", `${api}/request-tracker/${newest.id}`)).status).toBe(204)
  expect((await ask("GET", `${api}/request-tracker/${newest.id}`)).status).toBe(404)
  await iaas.done(alice, await ask("DELETE", disk))
  await iaas.done(alice, await ask("DELETE", machine))
  expect((await ask("GET", machine)).status).toBe(404)
  expect(iaas.traffic.unasked()).toEqual([])
  expect(iaas.traffic.wrong).toEqual([])
})

type Tenant = Awaited<ReturnType<typeof iaas.tenant>>

async function machineWalk(alice: Tenant, machine: string): Promise<void> {
  const { ask } = alice
  expect((await ask("GET", machine)).status).toBe(200)
  expect((await ask("GET", `${api}/machines?$top=1&$count=`)).status).toBe(200)
  expect((await ask("PATCH", machine, { body: { description: "d" } })).status).toBe(200)
  const operations = ["power-off", "power-on", "reboot", "restart", "reset", "shutdown"]
  for (const operation of operations) {
    await iaas.done(alice, await ask("POST", `${machine}/operations/${operation}`))
  }
  const suspended = await iaas.ended(alice, await ask("POST", `${machine}/operations/suspend`))
  expect(suspended.status).toBe("FAILED")
  await iaas.done(alice, await ask("POST", `${machine}/operations/resize?memoryInMB=512`))
  await iaas.done(alice, await ask("POST", `${machine}/operations/power-on`))
}

async function diskWalk(alice: Tenant, machine: string, disk: string): Promise<void> {
  const { ask } = alice
  const blockDeviceId = disk.split("/").at(-1)
  expect((await ask("GET", `${api}/block-devices`)).status).toBe(200)
  expect((await ask("GET", disk)).status).toBe(200)
  const body = { blockDeviceId }
  await iaas.done(alice, await ask("POST", `${machine}/disks`, { body }), 200)
  expect((await ask("GET", `${machine}/disks`)).json.numberOfElements).toBe(2)
  expect((await ask("GET", `${machine}/disks/${blockDeviceId}`)).status).toBe(200)
  await iaas.done(alice, await ask("DELETE", `${machine}/disks/${blockDeviceId}`))
  await iaas.done(alice, await ask("POST", `${disk}/operations/snapshots`, { body: {} }))
  const [snapshot] = (await ask("GET", `${disk}/snapshots`)).json
  expect((await ask("GET", `${disk}/snapshots/${snapshot.id}`)).status).toBe(200)
  await iaas.done(alice, await ask("POST", `${disk}/operations/revert?id=${snapshot.id}`))
  expect((await ask("POST", `${disk}?capacityInGB=1`)).status).toBe(204)
  await iaas.done(alice, await ask("DELETE", `${disk}/snapshots/${snapshot.id}`))
  expect((await ask("GET", `${disk}/snapshots/${snapshot.id}`)).status).toBe(404)
}

async function snapshotWalk(alice: Tenant, machine: string): Promise<void> {
  const { ask } = alice
  const body = {
    name: "before",
    description: "d",
    snapshotMemory: true,
    customProperties: { a: "b" },
  }
  const path = await iaas.done(
    alice,
    await ask("POST", `${machine}/operations/snapshots`, { body }),
  )
  const { json } = await ask("GET", path)
  expect(json).toMatchObject({ name: "before", isCurrent: true, customProperties: { a: "b" } })
  expect((await ask("GET", `${machine}/snapshots`)).json).toEqual([json])
  const revert = `${machine}/operations/revert/${json.id}?apiVersion=2021-07-15`
  await iaas.done(alice, await ask("POST", revert))
  await iaas.done(alice, await ask("DELETE", path))
  expect((await ask("GET", path)).status).toBe(404)
}

test("the description and the routes are of the same operations", () => {
  const described = Object.entries(description.paths).flatMap(([template, operations]) =>
    Object.keys(operations).map((verb) => `${verb} ${template}`),
  )
  const extra = ["get /iaas/api/swagger"]
  const served = iaasFace().routes.flatMap(({ method, path }) =>
    path.startsWith(`${api}/`)
      ? [operationOf(method, path) ?? `${method.toLowerCase()} ${path}`]
      : [],
  )
  expect(served.sort()).toEqual([...described, ...extra].sort())
})

test("the description is served whole, and names no host", async () => {
  const reply = await iaas.ask("GET", `${api}/swagger?apiVersion=2021-07-15`)
  expect(reply.json).toEqual(description)
  expect(reply.json.host).toBeUndefined()
  expect(reply.json.info.license.name).toBe("Apache License")
})

test("the check of schemas sees what is wrong", () => {
  const { definitions } = description
  const found = (name: string, value: unknown) =>
    violations(definitions, { $ref: `#/definitions/${name}` }, value)
  const tracker = { id: "1", progress: 3, status: "FINISHED", selfLink: "/1" }
  expect(found("RequestTracker", tracker)).toEqual([])
  expect(found("RequestTracker", { ...tracker, progress: 2.5 })).toEqual([
    "$.progress: number, not integer",
  ])
  expect(found("RequestTracker", { ...tracker, status: "DONE" })).toHaveLength(1)
  expect(found("RequestTracker", { ...tracker, resources: [1] })).toHaveLength(1)
  expect(found("Snapshot", { id: "1" })).toEqual(["$._links: absent"])
  expect(found("Snapshot", { id: "1", _links: { self: { href: 1 } } })).toHaveLength(1)
})
