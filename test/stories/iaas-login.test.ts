/** Logging in, tokens, versions, and the words for what goes wrong. On fakes. */
import { beforeEach, describe, expect, test } from "vitest"
import { right } from "../crash/world.ts"
import { iaasFace, iaasForEachTest, type Tenant } from "../fixtures/iaas-house.ts"
import { wireTo } from "../fixtures/wire.ts"

const iaas = iaasForEachTest()
let alice: Tenant
beforeEach(async () => {
  alice = await iaas.tenant("alice")
})

const open = (path: string, body: object | string, headers = {}) =>
  iaas.ask("POST", path, { body, headers })
const form = (members: Record<string, string>) => `${new URLSearchParams(members)}`
const asForm = { "content-type": "application/x-www-form-urlencoded" }
const status = async (token: string | null) =>
  (await iaas.ask("GET", "/iaas/api/machines", { token })).status

describe("a refresh token", () => {
  test.each(["/iaas/api/login", "/iaas/login"])("gives a bearer token at %s", async (path) => {
    const { status: told, json } = await open(path, { refreshToken: alice.refreshToken })
    expect([told, json.tokenType]).toEqual([200, "Bearer"])
    expect(json.token).not.toBe(alice.refreshToken)
    expect(await status(json.token)).toBe(200)
  })

  // PowervRA, given an API token, logs in at the first with it, and at the second with what it got.
  test("is told again at /iaas/login, for a client that logs in twice, and nowhere else", async () => {
    const { refreshToken } = alice
    const first = await open("/iaas/login", { refreshToken })
    const second = await open("/iaas/api/login", { refreshToken: first.json.refresh_token })
    expect(await status(second.json.token)).toBe(200)
    expect(Object.keys(second.json)).toEqual(["tokenType", "token"])
  })

  test("is exchanged by newer clients in a form", async () => {
    for (const name of ["refresh_token", "api_token"]) {
      const path = "/csp/gateway/am/api/auth/api-tokens/authorize"
      const { json } = await open(path, form({ [name]: alice.refreshToken }), asForm)
      expect(json).toMatchObject({ token_type: "bearer", expires_in: 3600 })
      expect(await status(json.access_token)).toBe(200)
    }
    const wish = form({ grant_type: "refresh_token", refresh_token: alice.refreshToken })
    const { json } = await open("/tm/oauth/tenant/acme/token", wish, asForm)
    expect(await status(json.access_token)).toBe(200)
    expect((await open("/tm/oauth/tenant/acme/token", "grant_type=x", asForm)).status).toBe(400)
  })

  test.each([
    ["forged", { refreshToken: "forged" }, 403],
    ["absent", {}, 400],
    ["empty", { refreshToken: "" }, 400],
    ["of another type", { refreshToken: 7 }, 400],
  ])("that is %s is refused", async (_what, body, wanted) => {
    const { status: told, json } = await open("/iaas/api/login", body)
    expect([told, json.statusCode]).toEqual([wanted, wanted])
    expect(json.message).toBeTypeOf("string")
    expect(JSON.stringify(json)).not.toContain("forged")
  })

  test("is kept as a hash alone, and is no bearer token, nor the other way round", async () => {
    expect(await status(alice.refreshToken)).toBe(401)
    expect((await open("/iaas/api/login", { refreshToken: alice.token })).status).toBe(403)
    const { tokens } = iaas.house.stage.making.ledger.read
    const kept = JSON.stringify(await tokens.find({}))
    expect(kept).toContain("refresh")
    expect(kept).not.toContain(alice.refreshToken)
  })

  test("is given for a name and a password, domain or none", async () => {
    const { password } = alice
    const forms = [
      { username: "alice", password },
      { username: "alice@corp", password, domain: "corp" },
    ]
    for (const path of ["/csp/gateway/am/api/login", "/csp/gateway/am/idp/auth/login"]) {
      for (const body of forms) {
        const { json } = await open(`${path}?access_token`, body)
        const login = await open("/iaas/api/login", { refreshToken: json.refresh_token })
        expect(await status(login.json.token)).toBe(200)
        expect(await status(json.cspAuthToken)).toBe(200)
      }
    }
    const wrong = { username: "alice", password: "wrong" }
    expect((await open("/csp/gateway/am/api/login", wrong)).status).toBe(403)
    expect((await open("/csp/gateway/am/idp/auth/login", wrong)).status).toBe(400)
  })
})

describe("a bearer token", () => {
  test.each([null, "forged", "", "a b"])(
    "%j is answered by 401 with a JSON body",
    async (token) => {
      const reply = await iaas.ask("GET", "/iaas/api/machines", { token })
      expect(reply.status).toBe(401)
      expect(reply.headers["content-type"]).toMatch(/^application\/json/)
      expect(reply.json).toMatchObject({ statusCode: 401, stackTrace: [] })
    },
  )

  test("expires", async () => {
    const { json } = await open("/iaas/api/login", { refreshToken: alice.refreshToken })
    expect(await status(json.token)).toBe(200)
    const { ledger } = iaas.house.stage.making
    const expiring = (await ledger.read.tokens.find({})).filter((each) => each.expiresAt !== null)
    expect(expiring).toHaveLength(1)
    await ledger.transaction(async (rooms) => {
      for (const { id } of expiring) await rooms.tokens.change(id, { expiresAt: Date.now() - 1 })
    })
    expect(await status(json.token)).toBe(401)
    const again = await open("/iaas/api/login", { refreshToken: alice.refreshToken })
    expect(await status(again.json.token)).toBe(200)
  })

  test("of a reader looks and does not touch", async () => {
    const machine = await iaas.machine(alice)
    const wish = { name: "eve", account: "alice", role: "reader" } as const
    const { stage, core } = iaas.house
    const eve = right(await core().identity.createUser({ who: stage.who }, wish))
    const login = await open("/iaas/api/login", { refreshToken: eve.refreshToken })
    const { token } = login.json
    const seen = await iaas.ask("GET", machine, { token })
    expect(seen.json._links.operations).toEqual({ hrefs: [] })
    const [listed] = (await iaas.ask("GET", "/iaas/api/machines", { token })).json.content
    expect(listed._links.operations).toEqual({ hrefs: [] })
    const path = `${machine}/operations`
    for (const operation of ["snapshots", "power-off", "suspend", "resize?cpuCount=2"]) {
      const refused = await iaas.ask("POST", `${path}/${operation}`, { token, body: {} })
      expect([operation, refused.status]).toEqual([operation, 403])
    }
    expect((await iaas.ask("DELETE", machine, { token })).status).toBe(403)
  })
})

test("about tells the versions to anybody, and only those are taken", async () => {
  const { json } = await iaas.ask("GET", "/iaas/api/about?apiVersion=")
  const versions = json.supportedApis.map((each: { apiVersion: string }) => each.apiVersion)
  expect(json.latestApiVersion).toBe("2021-07-15")
  expect(versions).toEqual(["2019-01-15", "2021-07-15"])
  for (const { documentationLink } of json.supportedApis) {
    expect((await iaas.ask("GET", documentationLink)).json.swagger).toBe("2.0")
  }
  const asked = async (version: string) =>
    (await alice.ask("GET", `/iaas/api/machines?apiVersion=${version}`)).status
  for (const version of ["", ...versions]) expect(await asked(version)).toBe(200)
  for (const version of ["2020-01-01", "latest", "2021-7-15"])
    expect(await asked(version)).toBe(400)
})

test("what goes wrong between client and route has the same shape, and no trace", async () => {
  const wire = await wireTo(iaasFace(), iaas.house.core())
  const { token } = alice
  const asked = async (path: string, sent = {}) => (await wire.ask(path, { token, ...sent })).json
  expect(await asked("/iaas/api/nothing")).toMatchObject({ statusCode: 404, messageId: "no-route" })
  expect(await asked("/automation/config.json")).toMatchObject({ statusCode: 404 })
  expect(await asked("/iaas/api/about", { method: "PUT" })).toMatchObject({ statusCode: 405 })
  const large = await asked("/iaas/api/machines", { method: "POST", body: "x".repeat(2 ** 20 + 1) })
  expect(large).toMatchObject({ statusCode: 413, stackTrace: [] })
  expect(await asked("//iaas//api/about")).toMatchObject({ latestApiVersion: "2021-07-15" })
  await wire.close()
})
