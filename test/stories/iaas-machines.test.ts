/** Machines: found by filters, made, changed, powered, resized. A real service, on fakes. */
import { beforeEach, describe, expect, test, vi } from "vitest"
import { right } from "../crash/world.ts"
import { iaasForEachTest, type Tenant } from "../fixtures/iaas-house.ts"

const iaas = iaasForEachTest()
const machines = "/iaas/api/machines"
let alice: Tenant
beforeEach(async () => {
  alice = await iaas.tenant("alice")
})

const idOf = (path: string) => path.split("/").at(-1) ?? ""
const get = async (path: string) => (await alice.ask("GET", path)).json
const names = async (query: string): Promise<string[]> => {
  const { json, status } = await alice.ask("GET", `${machines}?${query}`)
  return status === 200 ? json.content.map(({ name }: { name: string }) => name) : [String(status)]
}
const filter = (text: string) => names(`$filter=${encodeURIComponent(text)}`)

describe("lists", () => {
  let ids: string[]
  beforeEach(async () => {
    ids = [
      await iaas.machine(alice, "web-1", { customProperties: { isExternal: "false" } }),
      await iaas.machine(alice, "web-2", { tags: [{ key: "env", value: "dev" }] }),
      await iaas.machine(alice, "it's", { flavor: "medium" }),
    ].map(idOf)
    await iaas.done(alice, await alice.ask("POST", `${machines}/${ids[1]}/operations/power-off`))
  })

  test("are filtered by what is shown", async () => {
    expect(await filter("name eq 'web-1'")).toEqual(["web-1"])
    expect(await filter(`id eq '${ids[1]}'`)).toEqual(["web-2"])
    expect(await filter("id eq 'nothing'")).toEqual([])
    expect(await filter("name eq 'it''s'")).toEqual(["it's"])
    expect(await filter("name eq 'web*'")).toEqual(["web-1", "web-2"])
    expect(await filter("name ne 'web-1' and powerState eq 'ON'")).toEqual(["it's"])
    expect(await filter("tags.item.key eq env and tags.item.value eq 'dev'")).toEqual(["web-2"])
    expect(await filter("customProperties.isExternal eq 'false'")).toEqual(["web-1"])
    expect(await filter("(tags.value eq 'dev' or customProperties.cpuCount eq '2')")).toEqual([
      "web-2",
      "it's",
    ])
    expect(await filter("name gt 'a'")).toEqual(["400"])
  })

  test("are ordered, cut and counted", async () => {
    expect(await names("$orderby=name%20desc")).toEqual(["web-2", "web-1", "it's"])
    expect(await names("$orderby=powerState,name desc&$top=1")).toEqual(["web-2"])
    expect(await names("%24orderBy=name&%24skip=1&%24top=1")).toEqual(["web-1"])
    expect(await names("$orderby=name;drop")).toEqual(["400"])
    const page = await get(`${machines}?$top=2&$skip=1&$count=false`)
    expect(page).toMatchObject({ numberOfElements: 2, totalElements: 3 })
    expect(await get(`${machines}?$top=0`)).toMatchObject({ content: [], totalElements: 3 })
    expect(await get(`${machines}?$skip=7`)).toMatchObject({ content: [], totalElements: 3 })
    const found = await get(`${machines}?$filter=name eq 'web*'&$top=1`.replaceAll(" ", "%20"))
    expect(found).toMatchObject({ numberOfElements: 1, totalElements: 2 })
    for (const bad of ["$top=-1", "$top=x", "$skip=1.5", "skipOperationLinks=maybe"]) {
      expect(await names(bad), bad).toEqual(["400"])
    }
  })

  test("show what is selected and what the schema requires", async () => {
    const { content } = await get(`${machines}?$select=name,tags&$top=1`)
    const kept = ["_links", "externalRegionId", "id", "name", "powerState", "tags"]
    expect(Object.keys(content[0]).sort()).toEqual(kept)
    const one = await get(`${machines}/${ids[0]}?$select=name`)
    expect(Object.keys(one).sort()).toEqual(kept.filter((name) => name !== "tags"))
  })

  test("take empty and unknown parameters as if they were not there", async () => {
    expect(await names("$filter=&$top=&apiVersion=&$unknown=1&more")).toHaveLength(3)
  })
})

test("a machine is shown with its size, its owner and what may be done to it now", async () => {
  const path = await iaas.machine(alice, "web", { description: "d" })
  const running = await get(path)
  expect(running).toMatchObject({
    name: "web",
    description: "d",
    powerState: "ON",
    provisioningStatus: "READY",
    projectId: alice.projectId,
    owner: "alice",
    customProperties: { cpuCount: "1", memoryInMB: "256", flavor: "small" },
    _links: { self: { href: path }, snapshots: { href: `${path}/snapshots` } },
  })
  const operations = (machine: { _links: { operations: { hrefs: string[] } } }) =>
    machine._links.operations.hrefs.map((href) => href.replace(`${path}/operations/`, "")).sort()
  const both = ["resize", "snapshots"]
  const on = ["power-off", "reboot", "reset", "restart", "shutdown", ...both].sort()
  expect(operations(running)).toEqual(on)
  await iaas.done(alice, await alice.ask("POST", `${path}/operations/shutdown`))
  const stopped = await get(path)
  expect(stopped.powerState).toBe("OFF")
  expect(operations(stopped)).toEqual(["power-on", ...both])
  const [listed] = (await get(`${machines}?skipOperationLinks=true`)).content
  expect(listed._links.operations).toBeUndefined()
  const snapshot = await iaas.done(alice, await alice.ask("POST", `${path}/operations/snapshots`))
  const id = idOf(snapshot)
  expect(operations(await get(path))).toEqual(["power-on", "resize", `revert/${id}`, "snapshots"])
  const reverting = `${path}/operations/revert/${id}`
  expect((await get(snapshot))._links.operations.hrefs).toEqual([reverting])
})

describe("making one", () => {
  const make = (body: object | string) => alice.ask("POST", machines, { body })

  test("takes an image by its name or id, in either member, and a size", async () => {
    const image = await iaas.image(alice.who)
    for (const how of [{ image: "i" }, { imageRef: "i" }, { image, imageRef: "" }]) {
      const body = { name: "m", ...how, flavorRef: "small", nics: [{}], constraints: [] }
      await iaas.done(alice, await make(body))
    }
    expect(await names("")).toEqual(["m", "m", "m"])
  })

  test("names what it needs and what cannot be had", async () => {
    await iaas.image(alice.who)
    const good = { name: "m", image: "i", flavor: "small" }
    const why = async (body: object) => {
      const { status, json } = await make(body)
      return `${status} ${json.message}`
    }
    expect(await why({ ...good, name: "" })).toMatch(/^400 name/)
    expect(await why({ ...good, image: "j" })).toBe("400 image: is not there")
    expect(await why({ ...good, flavor: "huge" })).toBe("400 flavor: must be small or medium")
    expect(await why({ ...good, machineCount: 2 })).toMatch(/^400 machineCount: must be 1/)
    expect(await why({ ...good, bootConfig: { content: "#cloud-config" } })).toMatch(/^400 boot/)
    expect(await why({ ...good, disks: [{ blockDeviceId: "x" }] })).toMatch(/^400 disks/)
    expect(await why({ ...good, projectId: "f".repeat(32) })).toMatch(/^403/)
    expect(await names("")).toEqual([])
  })

  test("takes disks along, which leave again when it is deleted", async () => {
    const disk = await iaas.disk(alice)
    const path = await iaas.machine(alice, "m", { disks: [{ blockDeviceId: idOf(disk) }] })
    expect((await get(path))._links.disks.hrefs).toHaveLength(2)
    expect(await get(disk)).toMatchObject({ status: "ATTACHED" })
    await iaas.done(alice, await alice.ask("DELETE", path))
    expect((await alice.ask("GET", path)).status).toBe(404)
    expect(await get(disk)).toMatchObject({ status: "AVAILABLE" })
  })

  test("beyond a quota is a tracker that failed, and no machine", async () => {
    const { core, stage } = iaas.house
    right(await core().identity.setQuota({ who: stage.who }, "alice", { machines: 0 }))
    await iaas.image(alice.who)
    const failed = await iaas.ended(alice, await make({ name: "m", image: "i", flavor: "small" }))
    expect(failed).toMatchObject({ status: "FAILED", resources: [], name: "Provisioning" })
    expect(failed.message).toContain("quota of 0 machines")
  })
})

test("changing one keeps what is not mentioned, and what is this service's own", async () => {
  const path = await iaas.machine(alice, "m", {
    customProperties: { a: "1", __hidden: "x" },
    tags: [{ key: "k", value: "v" }],
  })
  const body = { customProperties: { b: 2, cpuCount: "64", __hidden: "y" }, description: "new" }
  const { json } = await alice.ask("PATCH", path, { body })
  expect(json).toMatchObject({ description: "new", tags: [{ key: "k", value: "v" }] })
  const { a, b, cpuCount, __hidden } = json.customProperties
  expect({ a, b, cpuCount, __hidden }).toEqual({
    a: "1",
    b: "2",
    cpuCount: "1",
    __hidden: undefined,
  })
  expect(await get(path)).toEqual(json)
  expect((await alice.ask("PATCH", path, { body: { tags: "x" } })).status).toBe(400)
})

test("changes of one at once do not undo each other", async () => {
  const path = await iaas.machine(alice)
  const keys = ["a", "b", "c", "d"]
  const change = (key: string) =>
    alice.ask("PATCH", path, { body: { customProperties: { [key]: key } } })
  for (const { status } of await Promise.all(keys.map(change))) expect(status).toBe(200)
  expect((await get(path)).customProperties).toMatchObject({ a: "a", b: "b", c: "c", d: "d" })
})

describe("resizing", () => {
  test("restarts a running machine unless that is ruled out", async () => {
    const path = await iaas.machine(alice)
    const resize = (query: string) => alice.ask("POST", `${path}/operations/resize?${query}`)
    const refused = await iaas.ended(alice, await resize("cpuCount=2&rebootMachine=false"))
    expect(refused).toMatchObject({ status: "FAILED", resources: [path] })
    expect((await get(path)).customProperties.cpuCount).toBe("1")
    await iaas.done(alice, await resize("cpuCount=2&memoryInMB=1024&coreCount=2&name="))
    expect(await get(path)).toMatchObject({
      powerState: "ON",
      customProperties: { cpuCount: "2", memoryInMB: "1024", flavor: "medium" },
    })
    for (const bad of ["", "cpuCount=two", "memoryInMB=0", "memoryInMB=1", "name=huge"]) {
      expect((await resize(bad)).status, bad).toBe(400)
    }
  })

  // The only way that Terraform knows; PowervRA writes `Small`.
  test("is to a flavor by its name, unless a number says otherwise", async () => {
    const path = await iaas.machine(alice)
    const resize = async (query: string) => {
      await iaas.done(alice, await alice.ask("POST", `${path}/operations/resize?${query}`))
      const { cpuCount, memoryInMB, flavor } = (await get(path)).customProperties
      return [cpuCount, memoryInMB, flavor]
    }
    expect(await resize("name=medium")).toEqual(["2", "1024", "medium"])
    expect(await resize("name=Small")).toEqual(["1", "256", "small"])
    expect(await resize("name=medium&memoryInMB=512")).toEqual(["2", "512", undefined])
  })

  test("is taken back by a revert", async () => {
    const path = await iaas.machine(alice)
    const snapshot = await iaas.done(alice, await alice.ask("POST", `${path}/operations/snapshots`))
    await iaas.done(alice, await alice.ask("POST", `${path}/operations/resize?memoryInMB=512`))
    const revert = `${path}/operations/revert/${idOf(snapshot)}?apiVersion=2021-07-15`
    await iaas.done(alice, await alice.ask("POST", revert))
    expect((await get(path)).customProperties.memoryInMB).toBe("256")
  })
})

test("what cannot be done is a failed tracker with a reason, and it stays on record", async () => {
  const path = await iaas.machine(alice)
  const reply = await alice.ask("POST", `${path}/operations/suspend`)
  expect(reply.json).toMatchObject({ status: "FAILED", name: "Suspend", resources: [path] })
  expect(reply.json.message).toContain("snapshotMemory")
  expect(await get(`/iaas/api/request-tracker/${reply.json.id}`)).toEqual(reply.json)
  const off = await iaas.ended(alice, await alice.ask("POST", `${path}/operations/power-off`))
  expect(off.status).toBe("FINISHED")
  const reboot = await iaas.ended(alice, await alice.ask("POST", `${path}/operations/reboot`))
  expect(reboot).toMatchObject({ status: "FAILED", name: "Reboot" })
  expect(reboot.message).toContain("is stopped; this needs it running")
})

test("a reset asks the guest nothing, a reboot does", async () => {
  const path = await iaas.machine(alice)
  const rebooted = vi.spyOn(iaas.house.stage.host, "reboot")
  for (const word of ["reset", "reboot", "restart"]) {
    await iaas.done(alice, await alice.ask("POST", `${path}/operations/${word}`))
  }
  const graces = rebooted.mock.calls.map(([, graceMs]) => graceMs > 0)
  expect(graces).toEqual([false, true, true])
})
