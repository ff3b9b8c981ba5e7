/** Route by route: what is another account's is not there, and cannot be told from what never was. */
import { expect, test } from "vitest"
import type { Route } from "../../src/faces/face.ts"
import { openstackFace, openstackForEachTest, type Tenant } from "../fixtures/openstack-house.ts"
import type { Reply } from "../fixtures/wire.ts"

const house = openstackForEachTest()
const never = "01930000-0000-7000-8000-0000000000ff"
const routes = openstackFace().routes.filter((route) => route.path.startsWith("/v1/:account"))
const shown = ({ method, path }: Route) => `${method} ${path}`

type Theirs = { tenant: Tenant; volume: string; snapshot: string; machine: string }

/** What a request to this route names of somebody: in the path, in its body. */
function wishOf(
  { path }: Route,
  ids: { volume: string; snapshot: string; machine: string },
): object {
  if (path.endsWith("/action")) return { "os-attach": { instance_uuid: ids.machine } }
  if (/metadata(\.\w+)?$/.test(path)) return { metadata: { k: "changed" } }
  if (path.endsWith(":key")) return { meta: { k: "changed" } }
  if (path.includes("os-quota-sets")) return { quota_set: { volumes: 1 } }
  if (/\/volumes(\.\w+)?$/.test(path)) return { volume: { snapshot_id: ids.snapshot, size: 5 } }
  if (path.includes("/volumes/")) return { volume: { display_name: "changed" } }
  return { snapshot: { volume_id: ids.volume, display_name: "changed", force: true } }
}

type Ids = { account: string; volume: string; snapshot: string; machine: string; project: string }

async function send(as: Tenant, route: Route, ids: Ids): Promise<Reply> {
  const id = route.path.includes("/volumes/") ? ids.volume : ids.snapshot
  const values: Record<string, string> = {
    account: ids.account,
    id,
    key: "k",
    project: ids.project,
  }
  const path = route.path.replace(/:(\w+)/g, (_whole, name) => values[name] ?? "")
  const hasBody = route.method === "POST" || route.method === "PUT"
  return await as.ask(path, {
    method: route.method,
    ...(hasBody ? { body: wishOf(route, ids) } : {}),
  })
}

const comparable = ({ status, bytes }: Reply, ids: Ids) => {
  const text = [ids.volume, ids.snapshot, ids.machine, ids.project].reduce(
    (all, id) => all.replaceAll(id, "<id>"),
    bytes.toString(),
  )
  return { status, text }
}

async function theirs(): Promise<Theirs> {
  const tenant = await house.tenant("other")
  const volume = await house.volume(tenant.who, "secret volume")
  const snapshot = await house.snapshot(tenant.who, volume, "secret snapshot")
  for (const path of [`/volumes/${volume}`, `/snapshots/${snapshot}`]) {
    const body = { metadata: { k: "secret" } }
    await tenant.v1(`${path}/metadata`, { method: "PUT", body })
  }
  return { tenant, volume, snapshot, machine: (await house.machine(tenant.who)).id }
}

const everythingOf = async (tenant: Tenant) => [
  (await tenant.v1("/volumes/detail")).json,
  (await tenant.v1("/snapshots/detail")).json,
  (await tenant.v1(`/os-quota-sets/${tenant.accountNumber}?usage=1`)).json,
]

test("there are routes to be looked at", () => {
  expect(routes.length).toBeGreaterThan(50)
})

test("no route does anything with, or knows, what belongs to another account", async () => {
  const other = await theirs()
  const acme = await house.tenant("acme")
  const before = await everythingOf(other.tenant)
  const account = `${acme.accountNumber}`
  const foreign: Ids = { account, ...other, project: `${other.tenant.accountNumber}` }
  const nobodys: Ids = {
    account,
    volume: never,
    snapshot: never,
    machine: never,
    project: "999999",
  }
  const aboutIds = routes.filter(
    ({ path, method }) =>
      /:(id|project)/.test(path) ||
      (method === "POST" && /(volumes|snapshots)(\.\w+)?$/.test(path)),
  )
  for (const route of aboutIds) {
    if (route.path.includes("/types/")) continue
    const answers = [await send(acme, route, foreign), await send(acme, route, nobodys)] as const
    expect(answers[0].status, shown(route)).toBeGreaterThanOrEqual(400)
    expect(comparable(answers[0], foreign), shown(route)).toEqual(comparable(answers[1], nobodys))
  }
  for (const route of routes.filter((each) => !aboutIds.includes(each) && each.method === "GET")) {
    const { status, bytes } = await send(acme, route, foreign)
    expect(status, shown(route)).toBe(200)
    for (const word of ["secret", other.volume, other.snapshot, other.machine]) {
      expect(bytes.toString(), shown(route)).not.toContain(word)
    }
  }
  expect(await everythingOf(other.tenant)).toEqual(before)
})

test("no route tells whose account is in its path, or whether it is anybody's", async () => {
  const other = await theirs()
  const acme = await house.tenant("acme")
  const before = await everythingOf(other.tenant)
  for (const route of routes) {
    const { tenantId, accountNumber, login } = other.tenant
    for (const account of [login, tenantId, `${accountNumber}`, "nobody"]) {
      const { status, bytes } = await send(acme, route, { account, ...other, project: account })
      expect(status, shown(route)).toBe(400)
      expect(bytes.toString(), shown(route)).toContain("Malformed request url")
    }
  }
  expect(await everythingOf(other.tenant)).toEqual(before)
})

test("every route that is not open wants a token", async () => {
  const face = openstackFace()
  const open = face.routes.filter((route) => route.open).map(shown)
  expect(open.filter((route) => route.includes(":"))).toEqual([])
  for (const route of face.routes.filter((each) => !each.open)) {
    const path = route.path.replace(/:\w+/g, "x")
    const { status } = await house.wire.ask(path, { method: route.method, token: null })
    expect(status, shown(route)).toBe(401)
  }
})

test("an account may be named by its login, its tenant id and its number", async () => {
  const acme = await house.tenant("acme")
  const volume = await house.volume(acme.who)
  for (const account of ["acme", acme.tenantId, acme.accountNumber]) {
    expect((await acme.ask(`/v1/${account}/volumes/${volume}`)).status).toBe(200)
  }
})

test("the administrator sees all accounts' things where he asks for that; nobody else does", async () => {
  const other = await theirs()
  const acme = await house.tenant("acme")
  const { value } = (await house.house
    .core()
    .identity.issueToken(house.house.stage.who, { livesMs: 3_600_000 })) as {
    value: { token: string }
  }
  const ask = house.asks(value.token)
  const own = (await ask("/v1/admin/snapshots")).json
  expect(own.snapshots).toEqual([])
  const all = (await ask("/v1/admin/snapshots/detail?all_tenants=1")).json
  expect(all.snapshots).toMatchObject([
    {
      id: other.snapshot,
      "os-extended-snapshot-attributes:project_id": `${other.tenant.accountNumber}`,
    },
  ])
  expect((await ask("/v1/other/snapshots")).json.snapshots).toHaveLength(1)
  expect((await acme.v1("/snapshots?all_tenants=1")).json.snapshots).toEqual([])
})
