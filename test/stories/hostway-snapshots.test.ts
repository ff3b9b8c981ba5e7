/** Server snapshots from end to end: rules, tree, restore, delete. A real service, on fakes. */
import { beforeEach, describe, expect, test } from "vitest"
import { Refusal } from "../../src/domain/fault.ts"
import type { MachineId, SnapshotId, VolumeId } from "../../src/domain/ids.ts"
import { done, MiB } from "../crash/stage.ts"
import { right } from "../crash/world.ts"
import { hostwayForEachTest, type Tenant } from "../fixtures/hostway-house.ts"
import type { Reply } from "../fixtures/wire.ts"

const hostway = hostwayForEachTest()
let alice: Tenant
let server: MachineId
let all: string
beforeEach(async () => {
  alice = await hostway.tenant("alice")
  server = await hostway.server(alice.who)
  all = `/servers/${server}/snapshots`
})

const core = () => hostway.house.core()
const idle = () => hostway.house.stage.service.executor.idle()
const take = (name: string) =>
  alice.ask(all, { method: "POST", body: { snapshot: { name, description: "" } } })
const remove = (id: string) => alice.ask(`${all}/${id}`, { method: "DELETE" })
const restore = (id: string) =>
  alice.ask(`${all}/${id}/action/`, { method: "POST", body: { action: "restore" } })
type Row = { id: string; name: string; status: string; guid: string; parent_guid: string }
const rows = async (): Promise<Row[]> => (await alice.ask(all)).json.snapshots
const names = async () => (await rows()).map(({ name }) => name)
const faultIn = ({ status, json }: Reply) => {
  const [[key, { code }] = ["", { code: 0 }]] = Object.entries<{ code: number }>(json)
  return [status, key, code]
}

/** One that is there when this resolves. */
async function taken(name: string): Promise<Row> {
  const made = await take(name)
  expect(made.status, made.bytes.toString()).toBe(202)
  const { snapshot } = made.json
  return (await hostway.until(alice, `${all}/${snapshot.id}`, "ACTIVE")).json.snapshot
}

/** Who hangs on whom, by name, as guids tell it. */
async function tree(): Promise<Record<string, string>> {
  const list = await rows()
  const nameOf = (guid: string) =>
    guid === "" ? "" : (list.find((one) => one.guid === guid)?.name ?? "?")
  return Object.fromEntries(list.map((one) => [one.name, nameOf(one.parent_guid)]))
}

/** As another face makes them, where none of this one's rules holds. */
const elsewhere = (name: string) =>
  done(
    hostway.house.stage,
    core().snapshots.create({ who: alice.who }, { name, source: { kind: "machine", id: server } }),
  )

const ofVolume = (id: VolumeId) =>
  done(
    hostway.house.stage,
    core().snapshots.create({ who: alice.who }, { name: id, source: { kind: "volume", id } }),
  )

async function extraVolume(): Promise<VolumeId> {
  const wish = { name: "extra", sizeBytes: MiB }
  return (await done(hostway.house.stage, core().volumes.create({ who: alice.who }, wish))).id
}

const attachments = () => `/servers/${server}/os-volume_attachments`
const attach = (volumeId: string) =>
  alice.ask(attachments(), {
    method: "POST",
    body: { volumeAttachment: { volumeId, device: "/dev/sdb" } },
  })

describe("what is refused", () => {
  test("400 while an extra volume is attached; detached, and it works at once", async () => {
    const volume = await extraVolume()
    expect((await attach(volume)).status).toBe(200)
    const refused = await take("a")
    expect(faultIn(refused)).toEqual([400, "badRequest", 400])
    expect(await rows()).toEqual([])
    const detached = await alice.ask(`${attachments()}/${volume}`, { method: "DELETE" })
    expect(detached.status).toBe(204)
    expect((await take("a")).status).toBe(202)
  })

  test("409 for a name that one has, also while it is being made", async () => {
    expect((await take("a")).status).toBe(202)
    expect(faultIn(await take("a"))).toEqual([409, "conflict", 409])
    await idle()
    expect(faultIn(await take("a"))).toEqual([409, "conflict", 409])
    expect(await names()).toEqual(["a"])
  })

  test("413 for the fourth", async () => {
    for (const name of ["a", "b", "c"]) await taken(name)
    expect(faultIn(await take("d"))).toEqual([413, "overLimit", 413])
    expect(await names()).toEqual(["a", "b", "c"])
  })

  test("of several reasons the first in the documents' order is told", async () => {
    for (const name of ["a", "b", "c"]) await taken(name)
    expect((await take("a")).status).toBe(409)
    await attach(await extraVolume())
    expect((await take("a")).status).toBe(400)
  })

  test("four at once are three", async () => {
    const replies = await Promise.all(["a", "b", "c", "d"].map(take))
    expect(replies.map(({ status }) => status).sort()).toEqual([202, 202, 202, 413])
    await idle()
    const list = await rows()
    expect(list.map(({ status }) => status)).toEqual(["ACTIVE", "ACTIVE", "ACTIVE"])
  })

  test("two of one name at once are one", async () => {
    const replies = await Promise.all([take("a"), take("a")])
    expect(replies.map(({ status }) => status).sort()).toEqual([202, 409])
  })

  test("deleting frees a name and a place, at once", async () => {
    const [a] = [await taken("a"), await taken("b"), await taken("c")]
    expect((await remove(a.id)).status).toBe(204)
    expect((await alice.ask(`${all}/${a.id}`)).status).toBe(404)
    expect((await remove(a.id)).status).toBe(404)
    expect((await take("a")).status).toBe(202)
    expect((await take("d")).status).toBe(413)
  })

  test("a name of a server does not bind another", async () => {
    await taken("a")
    const other = await hostway.server(alice.who, "db")
    const body = { snapshot: { name: "a", description: "" } }
    const made = await alice.ask(`/servers/${other}/snapshots`, { method: "POST", body })
    expect(made.status).toBe(202)
  })
})

describe("one that cannot be taken", () => {
  test("is told as DELETED with its reason, is on no list, and takes nobody's place", async () => {
    hostway.house.stage.host.switchDisks = async () => {
      throw new Refusal({ kind: "unavailable", what: "the disk", remedy: "wait" })
    }
    const { snapshot } = (await take("a")).json
    const shown = await hostway.until(alice, `${all}/${snapshot.id}`, "DELETED")
    expect(shown.json.snapshot).toEqual({
      ...snapshot,
      status: "DELETED",
      reason: expect.stringContaining("the disk"),
    })
    expect(await rows()).toEqual([])
    expect((await take("a")).status).toBe(202)
    expect((await remove(snapshot.id)).status).toBe(204)
    expect((await alice.ask(`${all}/${snapshot.id}`)).status).toBe(404)
  })
})

describe("the tree", () => {
  test("grows a branch after a restore to an older one, and mends when a middle one goes", async () => {
    const [a, b] = [await taken("a"), await taken("b")]
    expect(await tree()).toEqual({ a: "", b: "a" })
    expect((await restore(a.id)).status).toBe(202)
    await idle()
    const c = await taken("c")
    expect(await tree()).toEqual({ a: "", b: "a", c: "a" })
    expect((await remove(a.id)).status).toBe(204)
    expect(await tree()).toEqual({ b: "", c: "" })
    await restore(b.id)
    await idle()
    await taken("d")
    expect(await tree()).toEqual({ b: "", c: "", d: "b" })
    await remove(b.id)
    const shown = await alice.ask(`${all}/${c.id}`)
    expect(shown.json.snapshot).toMatchObject({ parent_guid: "", relation_guid: server })
    expect(await tree()).toEqual({ c: "", d: "" })
  })

  test("of three in a row loses its middle, and the last hangs on the first", async () => {
    const [a, b, c] = [await taken("a"), await taken("b"), await taken("c")]
    expect(c.parent_guid).toBe(b.guid)
    await remove(b.id)
    const after = (await alice.ask(`${all}/${c.id}`)).json.snapshot
    expect(after).toEqual({ ...c, parent_guid: a.guid })
    expect(await rows()).toEqual([a, after])
  })

  test("has one relation for all of a server, and another for another", async () => {
    await taken("a")
    await taken("b")
    const relations = (await alice.ask(all)).json.snapshots.map(
      (one: { relation_guid: string }) => one.relation_guid,
    )
    expect(relations).toEqual([server, server])
  })

  test("does not show what restores keep, and what hangs on it hangs on the next above", async () => {
    const a = await taken("a")
    await restore(a.id)
    await idle()
    expect(await names()).toEqual(["a"])
    const listing = { limit: 10, recovery: true }
    const [recovery] = right(await core().snapshots.list(alice.who, listing))
    expect((await alice.ask(`${all}/${recovery?.id}`)).status).toBe(404)
    expect((await restore(recovery?.id ?? "")).status).toBe(404)
    expect((await remove(recovery?.id ?? "")).status).toBe(404)
    const wish = { snapshotId: recovery?.id as SnapshotId }
    await done(hostway.house.stage, core().machines.revert({ who: alice.who }, server, wish))
    const b = await taken("b")
    expect(b.parent_guid).toBe(a.guid)
    expect(await tree()).toEqual({ a: "", b: "a" })
  })

  test("what restores keep takes nobody's place and nobody's name", async () => {
    const a = await taken("a")
    for (let time = 0; time < 3; time += 1) {
      await restore(a.id)
      await idle()
    }
    await taken("before-revert-to-a")
    await taken("c")
    expect((await take("d")).status).toBe(413)
  })
})

describe("snapshots made elsewhere", () => {
  test("that break the rules are listed, restored and deleted here", async () => {
    await attach(await extraVolume())
    await idle()
    for (const name of ["a", "a", "b", "c"]) await elsewhere(name)
    expect(await names()).toEqual(["a", "a", "b", "c"])
    const [first, second] = await rows()
    expect(new Set((await rows()).map(({ id }) => id)).size).toBe(4)
    for (const each of [first, second]) {
      expect((await restore(each?.id ?? "")).status).toBe(202)
      await idle()
    }
    expect((await remove(first?.id ?? "")).status).toBe(204)
    expect(await names()).toEqual(["a", "b", "c"])
  })

  test("of its own disk alone are the server's, too; of another disk are not", async () => {
    const { rootVolumeId } = right(await core().machines.get(alice.who, server))
    const [own, other] = [await ofVolume(rootVolumeId), await ofVolume(await extraVolume())]
    expect(await names()).toEqual([own.name])
    const [root] = await rows()
    expect((await restore(root?.id ?? "")).status).toBe(202)
    await idle()
    expect((await alice.ask(`${all}/${other.id}`)).status).toBe(404)
  })

  test("are found by their bare id, too, and under no other server", async () => {
    const { id } = await elsewhere("a")
    const [a] = await rows()
    expect((await alice.ask(`${all}/${id}`)).json.snapshot).toEqual(a)
    expect((await alice.ask(`${all}/${id.toUpperCase()}`)).json.snapshot).toEqual(a)
    const other = await hostway.server(alice.who, "db")
    for (const snapshot of [id, a?.id, a?.id.replace(server, other)]) {
      expect((await alice.ask(`/servers/${other}/snapshots/${snapshot}`)).status).toBe(404)
    }
    expect((await alice.ask(`${all}/${a?.id.replace(/_\d{4}/, "_1999")}`)).status).toBe(404)
  })
})

describe("restoring", () => {
  const inGuest = () => hostway.house.stage.making
  const host = () => hostway.house.stage.host
  const statusNow = async () => (await alice.ask(`/servers/${server}`)).json.server.status

  test("brings the disk back, and later snapshots stay; running stays running", async () => {
    await inGuest().poke(host(), server, 0, "one")
    const a = await taken("a")
    await inGuest().poke(host(), server, 0, "two")
    const b = await taken("b")
    await restore(a.id)
    await idle()
    expect(await inGuest().peek(host(), server, 0)).toMatch(/^one/)
    expect(await statusNow()).toBe("ACTIVE")
    await restore(b.id)
    await idle()
    expect(await inGuest().peek(host(), server, 0)).toMatch(/^two/)
    expect(await names()).toEqual(["a", "b"])
  })

  test("leaves off what is off, even where the snapshot has a memory to go on from", async () => {
    const source = { kind: "machine", id: server } as const
    const wish = { name: "m", source, memory: true }
    await done(hostway.house.stage, core().snapshots.create({ who: alice.who }, wish))
    const [m] = await rows()
    await alice.ask(`/servers/${server}/action`, { method: "POST", body: { "os-stop": null } })
    await idle()
    expect(await statusNow()).toBe("STOPPED")
    expect((await restore(m?.id ?? "")).status).toBe(202)
    await idle()
    expect(await statusNow()).toBe("STOPPED")
  })

  test("does not touch extra volumes attached since, also where there is a memory", async () => {
    const source = { kind: "machine", id: server } as const
    const wish = { name: "m", source, memory: true }
    await done(hostway.house.stage, core().snapshots.create({ who: alice.who }, wish))
    const volume = await extraVolume()
    await attach(volume)
    await idle()
    await inGuest().poke(host(), server, 1, "kept")
    const [m] = await rows()
    await restore(m?.id ?? "")
    await idle()
    expect(await statusNow()).toBe("ACTIVE")
    expect(await inGuest().peek(host(), server, 1)).toBe("kept")
    const { volumeAttachments } = (await alice.ask(attachments())).json
    expect(volumeAttachments).toEqual([
      { device: "/dev/vdb", serverId: server, id: volume, volumeId: volume },
    ])
  })

  test("does not touch extra volumes that one made elsewhere covers, either", async () => {
    await attach(await extraVolume())
    await idle()
    for (const disk of [0, 1]) await inGuest().poke(host(), server, disk, "then")
    await elsewhere("a")
    for (const disk of [0, 1]) await inGuest().poke(host(), server, disk, "now!")
    const [a] = await rows()
    expect((await restore(a?.id ?? "")).status).toBe(202)
    await idle()
    expect(await inGuest().peek(host(), server, 0)).toMatch(/^then/)
    expect(await inGuest().peek(host(), server, 1)).toMatch(/^now!/)
  })
})
