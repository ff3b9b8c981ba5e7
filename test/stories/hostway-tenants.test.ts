/** What belongs to others is not there: every route of the Hostway face, asked by a stranger. */
import { beforeEach, describe, expect, test } from "vitest"
import { newId } from "../../src/domain/ids.ts"
import { dressed } from "../../src/faces/hostway/wire/snapshot-id.ts"
import { done, MiB } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { basic, hostwayFace, hostwayForEachTest, type Tenant } from "../fixtures/hostway-house.ts"

const hostway = hostwayForEachTest()
let alice: Tenant
let bob: Tenant
beforeEach(async () => {
  alice = await hostway.tenant("alice")
  bob = await hostway.tenant("bob")
})

const longFamily = "/accounts/:account/flexcloud"
const routes = hostwayFace().routes.filter(({ path }) => !path.startsWith(longFamily))
const ofThings = routes.filter(({ path }) => /:(server|volume|image)/.test(path))

type Things = { server: string; snapshot: string; volume: string; image: string }

/** One of each, the volume attached to the server. */
async function thingsOf({ who }: Tenant): Promise<Things> {
  const { stage } = hostway.house
  const core = hostway.house.core()
  const machine = await hostway.server(who)
  const source = { kind: "machine", id: machine } as const
  const taken = await done(stage, core.snapshots.create({ who }, { name: "mine", source }))
  const wish = { name: "extra", sizeBytes: MiB }
  const { id: volume } = await done(stage, core.volumes.create({ who }, wish))
  await done(stage, core.machines.attach({ who }, machine, volume))
  const [image] = right(await core.images.list(who, { limit: 1 }))
  return { server: machine, snapshot: dressed(machine, taken), volume, image: image?.id ?? "" }
}

function thingsThatAreNot(): Things {
  const server = newId()
  const snapshot = dressed(server, { id: newId<"snapshot">(), createdAt: Date.now() })
  return { server, snapshot, volume: newId(), image: newId() }
}

const filled = (path: string, things: Things) =>
  path.replace(/:(\w+)/g, (_all, name: string) => things[name as keyof Things] ?? name)

/** What each route takes; the rest takes nothing. */
const bodies = ({ volume, image }: Things): Record<string, object> => ({
  "POST /servers": { server: { name: "n", imageRef: image, flavorRef: "1" } },
  "PUT /servers/:server": { server: { name: "taken over" } },
  "POST /servers/:server/action": { "os-stop": null },
  "POST /servers/:server/actions": { resize: { flavor: { id: "2" } } },
  "POST /servers/:server/snapshots": { snapshot: { name: "theirs" } },
  "POST /servers/:server/snapshots/:snapshot/action": { action: "restore" },
  "POST /servers/:server/snapshots/:snapshot/actions": { action: "restore" },
  "POST /servers/:server/os-volume_attachments": {
    volumeAttachment: { volumeId: volume, device: "/dev/vdb" },
  },
})

async function asked(by: Tenant, route: (typeof routes)[number], things: Things, prefix = "") {
  const body =
    bodies(things)[`${route.method} ${route.path.replace(/^\/accounts\/[^/]+\/flexcloud/, "")}`]
  const path = `${prefix}${filled(route.path, things)}`
  const { status, bytes } = await by.ask(path, {
    method: route.method,
    ...(body === undefined ? {} : { body }),
  })
  const plain = Object.entries(things).reduce(
    (text, [name, id]) => text.replaceAll(id, name),
    bytes.toString(),
  )
  return { status, text: plain.replace(/"errorid":"[0-9a-f-]{36}"/, '"errorid":""') }
}

test("a stranger gets 404 on every route, and the same as for what never was", async () => {
  const [theirs, never] = [await thingsOf(alice), thingsThatAreNot()]
  const before = await seenBy(alice, theirs)
  expect(ofThings.length).toBeGreaterThan(16)
  for (const route of ofThings) {
    for (const prefix of ["", "/accounts/bob/flexcloud"]) {
      const where = `${route.method} ${prefix}${route.path}`
      const foreign = await asked(bob, route, theirs, prefix)
      expect([foreign.status, foreign.text], where).toEqual([404, expect.stringMatching(missing)])
      expect(foreign, where).toEqual(await asked(bob, route, never, prefix))
    }
  }
  await hostway.house.stage.service.executor.idle()
  expect(await seenBy(alice, theirs)).toEqual(before)
})

const missing = /^\{"itemNotFound":\{"message":"Resource not found","code":404,/

async function seenBy(tenant: Tenant, { server, volume }: Things) {
  const paths = ["", "/snapshots", "/os-volume_attachments"].map(
    (path) => `/servers/${server}${path}`,
  )
  const replies = [...paths, `/volumes/${volume}`].map((path) => tenant.ask(path))
  return (await Promise.all(replies)).map(({ json }) => json)
}

test("another's account in a path is 404, and the same as one that never was", async () => {
  const things = await thingsOf(bob)
  const inAccounts = hostwayFace().routes.filter(({ path }) => path.includes(":account"))
  // All but the list of accounts.
  expect(inAccounts).toHaveLength(routes.length - 1)
  for (const route of inAccounts) {
    const ask = async (account: string) => {
      const at = { ...route, path: route.path.replace(":account", account) }
      const reply = await asked(bob, at, things, "")
      return { ...reply, text: reply.text.replace(account, "ACCOUNT") }
    }
    const unknown = await ask("nobody")
    expect(unknown.status, route.path).toBe(404)
    for (const account of [alice.login, alice.tenantId, String(alice.accountNumber)]) {
      expect(await ask(account), route.path).toEqual(unknown)
    }
  }
})

describe("one's own", () => {
  test("account goes by any of its three names, and lists hold nothing of others'", async () => {
    await thingsOf(alice)
    const mine = await thingsOf(bob)
    for (const account of [bob.login, bob.tenantId, String(bob.accountNumber)]) {
      const prefix = `/accounts/${account}/flexcloud`
      const ids = async (what: string) =>
        (await bob.ask(`${prefix}/${what}`)).json[what].map(({ id }: { id: string }) => id)
      expect(await ids("servers")).toEqual([mine.server])
      expect(await ids("volumes")).toEqual([mine.volume])
      expect(await ids("images")).toEqual([mine.image])
      expect(Object.keys((await bob.ask(`${prefix}/zones`)).json)).toEqual([
        String(bob.accountNumber),
      ])
    }
    const { accounts } = (await bob.ask("/accounts")).json
    expect(accounts).toEqual([expect.objectContaining({ name: "bob" })])
  })

  test("server does not take another's volume, nor is it made from another's image", async () => {
    const [theirs, mine] = [await thingsOf(alice), await thingsOf(bob)]
    const volumeAttachment = { volumeId: theirs.volume, device: "" }
    const body = { volumeAttachment }
    const path = `/servers/${mine.server}/os-volume_attachments`
    expect((await bob.ask(path, { method: "POST", body })).status).toBe(404)
    const gone = await bob.ask(`${path}/${theirs.volume}`, { method: "DELETE" })
    expect(gone.status).toBe(404)
    const wish = { server: { name: "n", imageRef: theirs.image, flavorRef: 1 } }
    expect((await bob.ask("/servers", { method: "POST", body: wish })).status).toBe(404)
    const other = await bob.ask(`/servers/${mine.server}/snapshots/${theirs.snapshot}`)
    expect(other.status).toBe(404)
  })

  test("reader looks, and touches nothing", async () => {
    const { server, snapshot } = await thingsOf(alice)
    const user = { name: "eve", account: "alice", role: "reader", password: "p" } as const
    right(await hostway.house.core().identity.createUser({ who: hostway.house.stage.who }, user))
    const headers = { authorization: basic("eve", "p") }
    const one = `/servers/${server}/snapshots/${snapshot}`
    expect((await hostway.wire.ask(one, { token: null, headers })).status).toBe(200)
    const removed = await hostway.wire.ask(one, { method: "DELETE", token: null, headers })
    expect([removed.status, Object.keys(removed.json)]).toEqual([403, ["forbidden"]])
  })
})
