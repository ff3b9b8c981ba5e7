/** Block devices, what hangs on them, and what they may not do while snapshots need them. */
import { beforeEach, describe, expect, test } from "vitest"
import type { SnapshotId, VolumeId } from "../../src/domain/ids.ts"
import { contentOf, snapshotContent } from "../crash/stage.ts"
import { bytesOf, right, upload } from "../crash/world.ts"
import { iaasForEachTest, type Tenant } from "../fixtures/iaas-house.ts"

const iaas = iaasForEachTest()
const disks = "/iaas/api/block-devices"
let alice: Tenant
let disk: string
beforeEach(async () => {
  alice = await iaas.tenant("alice")
  disk = await iaas.disk(alice)
})

const { house } = iaas
const idOf = (path: string) => path.split("/").at(-1) ?? ""
const get = async (path: string) => (await alice.ask("GET", path)).json
const post = (path: string, body: object = {}) => alice.ask("POST", path, { body })
const take = async (of: string, body: object = {}) =>
  iaas.done(alice, await post(`${of}/operations/snapshots`, body))
const fill = async (text: string) => {
  const bytes = upload(bytesOf(text, 4096))
  right(await house.core().volumes.importFrom({ who: alice.who }, idOf(disk) as VolumeId, bytes))
}
const attached = async () => {
  const machine = await iaas.machine(alice)
  const body = { blockDeviceId: idOf(disk), diskAttachmentProperties: { unitNumber: "2" } }
  await iaas.done(alice, await post(`${machine}/disks`, body), 200)
  return machine
}
type Row = { id: string; name: string; desc: string; snapshotProperties: { isCurrent: string } }
const rows = async (): Promise<Row[]> => get(`${disk}/snapshots`)
const current = async () =>
  (await rows()).flatMap(({ name, snapshotProperties }) =>
    snapshotProperties.isCurrent === "true" ? [name] : [],
  )

test("a disk is shown with its size in binary gigabytes, and found by filters", async () => {
  await iaas.disk(alice, "big", { capacityInGB: 3, customProperties: { tier: "gold" } })
  expect(await get(disk)).toMatchObject({
    name: "data",
    capacityInGB: 1,
    status: "AVAILABLE",
    persistent: false,
    _links: { self: { href: disk } },
  })
  const found = async (filter: string) =>
    (await get(`${disks}?$filter=${encodeURIComponent(filter)}`)).content.map(
      ({ name }: Row) => name,
    )
  expect(await found("name eq 'big'")).toEqual(["big"])
  expect(await found(`id eq '${idOf(disk)}'`)).toEqual(["data"])
  expect(await found("customProperties.tier eq 'g*'")).toEqual(["big"])
  expect(await found("status eq 'ATTACHED'")).toEqual([])
})

test.each([
  [{ name: "d" }, "capacityInGB: is required"],
  [{ name: "d", capacityInGB: 0 }, "capacityInGB: must be at least 1"],
  [{ name: "d", capacityInGB: 1.5 }, "capacityInGB: must be a whole number"],
  [{ capacityInGB: 1 }, "name: is required"],
  [{ name: "d", capacityInGB: 1, encrypted: true }, "encrypted: is not possible"],
  [{ name: "d", capacityInGB: 1, diskContentBase64: "dGVzdA" }, "diskContentBase64: is not"],
])("a disk of %j is refused", async (body, why) => {
  const { status, json } = await post(disks, body)
  expect([status, json.message]).toEqual([400, expect.stringContaining(why)])
  expect((await get(disks)).totalElements).toBe(1)
})

describe("snapshots of a disk", () => {
  test("are rows with a current one, as Terraform looks for it, and go back bit for bit", async () => {
    await fill("one")
    const tags = [{ key: "k", value: "v" }]
    await take(disk, { description: "first", snapshotProperties: { ticket: "7" }, tags })
    await fill("two")
    await take(disk, { name: "b" })
    const [a, b] = await rows()
    expect(a).toMatchObject({ desc: "first", tags, name: expect.stringMatching(/^snapshot-/) })
    expect(a?.snapshotProperties).toEqual({ ticket: "7", isCurrent: "false" })
    expect(b?.snapshotProperties).toEqual({ isCurrent: "true" })
    await iaas.done(alice, await post(`${disk}/operations/revert?id=${a?.id}`))
    expect(await contentOf({ ...house.stage, who: alice.who }, idOf(disk) as VolumeId)).toBe("one")
    expect(await current()).toEqual([a?.name])
    expect(await get(`${disk}/snapshots/${a?.id}`)).toEqual((await rows())[0])
    await iaas.done(alice, await alice.ask("DELETE", `${disk}/snapshots/${a?.id}`))
    expect((await rows()).map(({ name }) => name)).toEqual(["b"])
  })

  test("with a child keep it whole when they go", async () => {
    const stage = { ...house.stage, who: alice.who }
    await fill("one")
    const a = await take(disk, { name: "a" })
    await fill("two")
    await take(disk, { name: "b" })
    await fill("three")
    await iaas.done(alice, await alice.ask("DELETE", a))
    const [left] = right(
      await house.core().snapshots.list(alice.who, { limit: 9, recovery: false }),
    )
    expect(await snapshotContent(stage, left?.id as SnapshotId)).toBe("two")
    expect(await contentOf(stage, idOf(disk) as VolumeId)).toBe("three")
    expect(await current()).toEqual(["b"])
  })

  test("are a machine's part, too", async () => {
    const machine = await attached()
    await take(machine, { name: "of the machine" })
    expect(await current()).toEqual(["of the machine"])
    await take(disk, { name: "of the disk" })
    expect(await current()).toEqual(["of the disk"])
    expect(await rows()).toHaveLength(2)
    const [first] = await rows()
    const failed = await iaas.ended(alice, await post(`${disk}/operations/revert?id=${first?.id}`))
    expect(failed).toMatchObject({ status: "FAILED", resources: [disk] })
  })

  test("of another disk, or of none, are not found", async () => {
    const other = await iaas.disk(alice, "other")
    const theirs = idOf(await take(other))
    const nowhere = "01930000-0000-7000-8000-00000000dead"
    for (const id of [theirs, nowhere, "x"]) {
      expect((await alice.ask("GET", `${disk}/snapshots/${id}`)).status, id).toBe(404)
      expect((await alice.ask("DELETE", `${disk}/snapshots/${id}`)).status, id).toBe(404)
      expect((await post(`${disk}/operations/revert?id=${id}`)).status, id).toBe(404)
    }
    expect((await post(`${disk}/operations/revert`)).status).toBe(400)
    expect((await get(`${other}/snapshots`)).length).toBe(1)
  })
})

describe("a disk that snapshots need", () => {
  /** What failed, and the ids that its message names. */
  const refusal = async (method: string, path: string) => {
    const { status, message } = await iaas.ended(alice, await alice.ask(method, path))
    const named = [...message.matchAll(/snapshot ([0-9a-f-]{36})/g)].map(([, id]) => id)
    return { status, named }
  }

  test("is not detached, and the snapshots are named; without them it is", async () => {
    const machine = await attached()
    const [a, b] = [await take(machine), await take(machine)]
    await take(disk, { name: "of the disk alone" })
    const there = `${machine}/disks/${idOf(disk)}`
    expect(await refusal("DELETE", there)).toEqual({
      status: "FAILED",
      named: [idOf(a), idOf(b)],
    })
    const point = await take(disk)
    expect(await refusal("DELETE", disk)).toMatchObject({
      status: "FAILED",
      named: expect.arrayContaining([idOf(a), idOf(b), idOf(point)]),
    })
    expect((await get(disk)).status).toBe("ATTACHED")
    for (const each of [a, b]) await iaas.done(alice, await alice.ask("DELETE", each))
    await iaas.done(alice, await alice.ask("DELETE", there))
    expect((await get(disk)).status).toBe("AVAILABLE")
  })

  test("is neither deleted nor resized", async () => {
    const snapshot = await take(disk, { name: "monday" })
    const named = { status: "FAILED", named: [idOf(snapshot)] }
    expect(await refusal("DELETE", disk)).toEqual(named)
    const failed = await iaas.ended(alice, await alice.ask("DELETE", disk))
    expect(failed.message).toBe(
      `volume ${idOf(disk)} is in use by snapshot ${idOf(snapshot)} (monday); ` +
        "delete them first: they need the disk as it is",
    )
    expect(await refusal("POST", `${disk}?capacityInGB=2`)).toEqual(named)
    expect((await get(disk)).capacityInGB).toBe(1)
    expect((await alice.ask("POST", `${disk}?capacityInGB=1`)).status).toBe(204)
    expect((await alice.ask("POST", `${disk}?capacityInGB=x`)).status).toBe(400)
  })

  test("grows again when they are gone, but not under a machine that runs", async () => {
    const snapshot = await take(disk)
    await iaas.done(alice, await alice.ask("DELETE", snapshot))
    await iaas.done(alice, await alice.ask("POST", `${disk}?capacityInGB=2&useSdrs=false`))
    expect((await get(disk)).capacityInGB).toBe(2)
    expect(await refusal("POST", `${disk}?capacityInGB=1`)).toEqual({ status: "FAILED", named: [] })
    const machine = await attached()
    expect(await refusal("POST", `${disk}?capacityInGB=3`)).toEqual({ status: "FAILED", named: [] })
    await iaas.done(alice, await post(`${machine}/operations/power-off`))
    await iaas.done(alice, await alice.ask("POST", `${disk}?capacityInGB=3`))
    expect((await get(disk)).capacityInGB).toBe(3)
  })

  test("is deleted when only a revert's own one is left", async () => {
    const snapshot = await take(disk)
    await iaas.done(alice, await post(`${disk}/operations/revert?id=${idOf(snapshot)}`))
    await iaas.done(alice, await alice.ask("DELETE", snapshot))
    await iaas.done(alice, await alice.ask("DELETE", disk))
    expect((await alice.ask("GET", disk)).status).toBe(404)
  })
})

test("the root disk is neither detached nor deleted", async () => {
  const machine = await iaas.machine(alice)
  const [root] = (await get(`${machine}/disks`)).content
  for (const path of [`${machine}/disks/${root.id}`, `${disks}/${root.id}`]) {
    const failed = await iaas.ended(alice, await alice.ask("DELETE", path))
    expect(failed.status).toBe("FAILED")
  }
  expect((await get(machine)).powerState).toBe("ON")
})

test("a disk that another machine has is not attached, and one that is nowhere is not found", async () => {
  await attached()
  const other = await iaas.machine(alice, "other")
  const failed = await iaas.ended(
    alice,
    await post(`${other}/disks`, { blockDeviceId: idOf(disk) }),
    200,
  )
  expect(failed.status).toBe("FAILED")
  for (const id of ["x", "01930000-0000-7000-8000-00000000dead"]) {
    expect((await post(`${other}/disks`, { blockDeviceId: id })).status).toBe(404)
  }
  expect((await post(`${other}/disks`)).status).toBe(400)
})

test("a persistent disk is deleted only by who says so", async () => {
  const kept = await iaas.disk(alice, "kept", { persistent: true })
  expect(await get(kept)).toMatchObject({ persistent: true, customProperties: {} })
  const failed = await iaas.ended(alice, await alice.ask("DELETE", kept))
  expect(failed.message).toContain("is persistent; this needs it deleted with purge=true")
  await iaas.done(alice, await alice.ask("DELETE", `${kept}?purge=true`))
  expect((await alice.ask("GET", kept)).status).toBe(404)
})
