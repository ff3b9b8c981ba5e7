/** Quotas, usage and giving operations up, over the wire: the words first, then on real work. */
import { PassThrough } from "node:stream"
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest"
import type { ZodType } from "zod"
import { no, ok } from "../../src/domain/fault.ts"
import { faces } from "../../src/faces/registry.ts"
import { contentOf, filledVolume, MiB } from "../crash/stage.ts"
import { bytesOf, right } from "../crash/world.ts"
import { houseForEachTest } from "../fixtures/house.ts"
import * as sample from "../fixtures/scripted-core.ts"
import { type Wire, wireTo } from "../fixtures/wire.ts"

const face = faces.native()
const { id } = sample
const caller = { face: "native", address: expect.any(String), key: null }
const asking = { who: sample.admin, caller }

describe("the words", () => {
  const { core, calls, script } = sample.scriptedCore()
  let wire: Wire
  beforeAll(async () => {
    wire = await wireTo(face, core)
  })
  afterAll(() => wire.close())
  beforeEach(() => {
    calls.length = 0
  })
  const answerOf = (told: string, status: number) =>
    face.routes.find(({ method, path }) => `${method} ${path}` === told)?.story?.answers[
      status
    ] as ZodType

  const quota = { machines: 3, snapshots: 0, physicalBytes: 2 ** 40 }

  test.each([
    ["what it may use", quota],
    ["no limit at all", {}],
    ["what the service says", null],
  ])("an account is told to have %s", async (_words, wish) => {
    script["identity.setQuota"] = () => ok({ ...sample.account, quota: wish })
    const sent = {
      method: "PUT",
      body: JSON.stringify(wish),
      headers: { "content-type": "application/json" },
    }
    const reply = await wire.ask("/api/accounts/acme%20inc/quota", sent)
    expect(reply.status).toBe(200)
    expect(reply.json).toEqual({ id: id(2), login: "admin", quota: wish })
    expect(calls.at(-1)?.args).toEqual([asking, "acme inc", wish])
    expect(answerOf("PUT /api/accounts/:ref/quota", 200).safeParse(reply.json).success).toBe(true)
  })

  test.each([
    [{ machines: -1 }, "machines"],
    [{ machines: 1.5 }, "machines"],
    [{ machines: "3" }, "machines"],
    [{ physicalBytes: 2 ** 60 }, "physicalBytes"],
    [{ disks: 1 }, "disks"],
    [[], undefined],
  ])("%j is no quota", async (body, field) => {
    const reply = await wire.ask("/api/accounts/acme/quota", { method: "PUT", body })
    expect(reply.json).toMatchObject({ status: 400, kind: "invalid" })
    expect(reply.json.field).toBe(field)
    expect(calls.filter(({ verb }) => verb === "identity.setQuota")).toEqual([])
  })

  test("usage is told beside what may be used, for the account acted for", async () => {
    const used = { machines: 1, volumes: 2, snapshots: 3, logicalBytes: 4, physicalBytes: 5 }
    script["identity.usage"] = () => ok({ account: sample.account, used, quota })
    const reply = await wire.ask("/api/usage", { headers: { "x-tintype-account": "acme" } })
    expect(reply.json).toEqual({ accountId: id(2), login: "admin", used, quota })
    expect(calls.at(-1)?.args).toEqual([{ ...sample.admin, accountId: id(3), everywhere: false }])
    expect(answerOf("GET /api/usage", 200).safeParse(reply.json).success).toBe(true)
  })

  test("an operation is given up, and shown as it is", async () => {
    script["operations.cancel"] = () => ok({ ...sample.operationView, cancelled: true })
    const reply = await wire.ask(`/api/operations/${id(90)}/cancel`, { method: "POST" })
    expect(reply.status).toBe(202)
    expect(reply.headers.location).toBe(`/api/operations/${id(90)}`)
    expect(reply.json).toMatchObject({ id: id(90), state: "running", cancelled: true })
    expect(calls.at(-1)?.args).toEqual([asking, id(90)])
    expect(answerOf("POST /api/operations/:id/cancel", 202).safeParse(reply.json).success).toBe(
      true,
    )
  })

  test.each([
    ["PUT", `/api/volumes/${id(20)}/content?mostBytes=7`, "volumes.importFrom"],
    ["POST", "/api/images?name=i&format=raw&mostBytes=7", "images.importFrom"],
  ])("%s %s: a body has no more bytes than it says", async (method, path, verb) => {
    script[verb] = () => no({ kind: "quota", what: "bytes on disk", limit: 1, used: 1 })
    const headers = { "content-type": "application/octet-stream" }
    const reply = await wire.ask(path, { method, headers, body: "1234567" })
    expect(reply.json).toMatchObject({ status: 413, kind: "quota", limit: 1, used: 1 })
    expect(JSON.stringify(calls.at(-1)?.args)).toContain('"mostBytes":7')
    const none = await wire.ask(path.replace("=7", "=0"), { method, headers, body: "1" })
    expect(none.json).toMatchObject({ status: 400, field: "mostBytes" })
  })

  test("what is refused for want of room says how much there is", async () => {
    const fault = { kind: "no-space", neededBytes: 9, freeBytes: 7, keptBytes: 5 } as const
    script["volumes.create"] = () => no(fault)
    const sent = { method: "POST", body: { name: "v", sizeBytes: 512 } }
    const reply = await wire.ask("/api/volumes", sent)
    const detail = "not enough free space: 9 bytes needed, 7 free, of which 5 are kept"
    expect(reply.json).toMatchObject({ status: 507, ...fault, detail })
  })
})

describe("on real work", () => {
  const house = houseForEachTest()
  let wire: Wire
  beforeEach(async () => {
    wire = await wireTo(face, house.core())
  })
  afterEach(() => wire.close())
  const owner = async (login: string) => {
    const { token } = right(await house.core().identity.createAccount(house.stage, { login }))
    return token ?? ""
  }

  test("nobody sees what another account uses, or sets a quota", async () => {
    const [alice, bob] = [await owner("alice"), await owner("bob")]
    const body = { name: "v", sizeBytes: MiB }
    expect((await wire.ask("/api/volumes", { method: "POST", body, token: bob })).status).toBe(202)
    const own = await wire.ask("/api/usage", { token: alice })
    expect(own.json).toMatchObject({ login: "alice", used: { volumes: 0, logicalBytes: 0 } })
    for (const account of ["bob", "nobody"]) {
      const headers = { "x-tintype-account": account }
      const reply = await wire.ask("/api/usage", { token: alice, headers })
      expect(reply.json).toMatchObject({ status: 403, detail: "this account is not yours" })
      const path = `/api/accounts/${account}/quota`
      const set = await wire.ask(path, { method: "PUT", body: {}, token: alice })
      expect(set.json).toMatchObject({ status: 403, detail: "this needs the role admin" })
    }
    const his = await wire.ask("/api/usage", { token: bob })
    expect(his.json).toMatchObject({ login: "bob", used: { volumes: 1, logicalBytes: MiB } })
  })

  test("an upload given up in its middle leaves everything as it was", async () => {
    const { volume } = await filledVolume(house.stage, "old")
    const token = "the-administrators-token"
    const body = new PassThrough()
    const upload = fetch(`${wire.url}/api/volumes/${volume}/content`, {
      method: "PUT",
      headers: { authorization: `Bearer ${token}`, "content-type": "application/octet-stream" },
      body: body as never,
      duplex: "half",
    })
    body.write(bytesOf("new", MiB / 2))
    const path = `/api/operations?unended=true&targetId=${volume}`
    await expect.poll(async () => (await wire.ask(path, { token })).json.items).toHaveLength(1)
    const [{ id }] = (await wire.ask(path, { token })).json.items
    const given = await wire.ask(`/api/operations/${id}/cancel`, { method: "POST", token })
    expect(given.json).toMatchObject({ id, cancelled: true })
    const answer = await upload
    expect(await answer.json()).toMatchObject({ kind: "failed", operationId: id, why: "cancelled" })
    body.end()
    const ended = await wire.ask(`/api/operations/${id}?wait=5`, { token })
    expect(ended.json).toMatchObject({ state: "undone", reason: "cancelled", cancelled: true })
    expect(await contentOf(house.stage, volume)).toBe("old")
    const again = await wire.ask(`/api/operations/${id}/cancel`, { method: "POST", token })
    expect(again.status).toBe(202)
  })

  test("what another account works on is not there to be given up", async () => {
    const [alice, bob] = [await owner("alice"), await owner("bob")]
    const body = { name: "v", sizeBytes: MiB }
    const made = await wire.ask("/api/volumes", { method: "POST", body, token: bob })
    const cancel = (operation: string, token: string) =>
      wire.ask(`/api/operations/${operation}/cancel`, { method: "POST", token })
    const foreign = await cancel(made.json.operationId, alice)
    const unknown = await cancel(id(77), alice)
    expect(foreign.json).toMatchObject({ status: 404, kind: "not-found", what: "operation" })
    expect(unknown.json).toMatchObject({ status: 404, kind: "not-found", what: "operation" })
  })
})
