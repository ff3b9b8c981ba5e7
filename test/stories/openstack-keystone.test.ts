/** Tokens of an external Keystone, a stand-in of which says whose they are. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http"
import type { AddressInfo } from "node:net"
import { afterEach, beforeEach, expect, test } from "vitest"
import { openstackFace, openstackForEachTest, type Tenant } from "../fixtures/openstack-house.ts"
import { type Sent, type Wire, wireTo } from "../fixtures/wire.ts"

const house = openstackForEachTest()
const service = { userName: "tintype", password: "service secret", project: "service" }

type Asked = { method: string; path: string; subject: string | undefined; body: string }
let keystone: Server
let url: string
let wire: Wire
let asked: Asked[]
/** The token that Keystone gives our service; changing it makes the one before worthless. */
let serviceToken: string
let tokens: Map<string, object>
let trouble: number | null
/** The one login that Keystone takes, but our service's. */
let right3: object

beforeEach(async () => {
  asked = []
  tokens = new Map()
  serviceToken = "service-1"
  trouble = null
  keystone = createServer((request, response) => void answer(request, response))
  await new Promise<void>((resolve) => keystone.listen(0, "127.0.0.1", resolve))
  url = `http://127.0.0.1:${(keystone.address() as AddressInfo).port}`
  wire = await wireTo(
    openstackFace({ keystone: { url: `${url}/v3/`, ...service } }),
    house.house.core(),
  )
})
afterEach(async () => {
  await wire.close()
  keystone.closeAllConnections()
  keystone.close()
})

async function answer(request: IncomingMessage, response: ServerResponse) {
  const { method = "", url: path = "", headers } = request
  let body = ""
  for await (const piece of request) body += piece
  const subject = headers["x-subject-token"] as string | undefined
  asked.push({ method, path, subject, body })
  if (trouble !== null) {
    return response.writeHead(trouble, { Location: `${url}/elsewhere` }).end("{}")
  }
  if (method === "POST") return letIn(JSON.parse(body).auth, response)
  if (headers["x-auth-token"] !== serviceToken) return response.writeHead(401).end("{}")
  const token = tokens.get(subject ?? "")
  if (token === undefined) return response.writeHead(404).end("{}")
  return response.writeHead(200).end(JSON.stringify({ token }))
}

/** Our service, and whoever brings what the test says is right. */
function letIn(auth: { identity: object; scope?: object }, response: ServerResponse) {
  if (JSON.stringify(auth).includes(service.password)) {
    return response.writeHead(201, { "X-Subject-Token": serviceToken }).end("{}")
  }
  const given = JSON.stringify(auth) === JSON.stringify(right3) ? tokens.get("theirs") : undefined
  if (given === undefined) return response.writeHead(401).end("{}")
  const user = { id: "0123", name: "their user" }
  const token = { user, issued_at: "2026-01-01T00:00:00.000000Z", ...given }
  return response.writeHead(201, { "X-Subject-Token": "theirs" }).end(JSON.stringify({ token }))
}

const far = "2099-01-01T00:00:00.000000Z"
function knows(text: string, project: object | undefined, roles = ["member"], expires_at = far) {
  const named = roles.map((name) => ({ id: name, name }))
  tokens.set(text, { expires_at, roles: named, ...(project === undefined ? {} : { project }) })
}
const byId = ({ tenantId }: Tenant) => ({
  id: tenantId,
  name: "called otherwise",
  domain: { id: "x" },
})
const named = (name: string, domain = "default") => ({
  id: "f".repeat(32),
  name,
  domain: { id: domain },
})
const list = (token: string, { accountNumber }: Tenant, sent: Sent = {}) =>
  wire.ask(`/v1/${accountNumber}/volumes`, {
    ...sent,
    token: null,
    headers: { "x-auth-token": token },
  })

test("a project is the account of that tenant id, or of that name in the default domain", async () => {
  const acme = await house.tenant("acme")
  const volume = await house.volume(acme.who)
  knows("by-id", byId(acme))
  knows("by-name", named("acme"))
  for (const token of ["by-id", "by-name"]) {
    const { status, json } = await list(token, acme)
    expect([status, json.volumes.map((each: { id: string }) => each.id)]).toEqual([200, [volume]])
  }
  const [login, validation] = asked
  expect(login).toMatchObject({ method: "POST", path: "/v3/auth/tokens?nocatalog" })
  expect(JSON.parse(login?.body ?? "")).toEqual({
    auth: {
      identity: {
        methods: ["password"],
        password: {
          user: { name: "tintype", password: "service secret", domain: { id: "default" } },
        },
      },
      scope: { project: { name: "service", domain: { id: "default" } } },
    },
  })
  expect(validation).toMatchObject({
    method: "GET",
    path: "/v3/auth/tokens?nocatalog",
    subject: "by-id",
  })
})

test("whom Keystone does not know, or who is nobody here, gets 401 and is shown the way there", async () => {
  const acme = await house.tenant("acme")
  knows("elsewhere", named("acme", "other-domain"))
  knows("number", named(`${acme.accountNumber}`))
  knows("tenant-as-name", named(acme.tenantId))
  knows("stranger", named("nobody"))
  knows("unscoped", undefined)
  knows("no-role", byId(acme), ["auditor"])
  for (const token of [
    "unknown",
    "elsewhere",
    "number",
    "tenant-as-name",
    "stranger",
    "unscoped",
    "no-role",
    acme.token,
  ]) {
    const { status, headers } = await list(token, acme)
    expect([token, status, headers["www-authenticate"]]).toEqual([
      token,
      401,
      `Keystone uri='${url}/v3/'`,
    ])
  }
})

test("nothing secret follows a Keystone's redirect", async () => {
  const acme = await house.tenant("acme")
  for (const status of [302, 307]) {
    const token = `redirected-${status}`
    knows(token, byId(acme))
    trouble = status
    expect((await list(token, acme)).status).toBe(503)
    trouble = null
    expect((await list(token, acme)).status).toBe(200)
  }
  expect(asked.filter(({ path }) => path === "/elsewhere")).toEqual([])
})

test("our own Identity stays ours, however its path is written", async () => {
  const acme = await house.tenant("acme")
  knows("theirs", byId(acme))
  expect((await list("theirs", acme)).status).toBe(200)
  const user = acme.who.userId
  const credentials = `dentity/v3/users/${user}/application_credentials`
  for (const path of [`/i${credentials}`, `/%69${credentials}`, "/v3/%61uth/projects"]) {
    const headers = { "x-auth-token": "theirs" }
    expect([path, (await wire.ask(path, { token: null, headers })).status]).toEqual([path, 401])
  }
  const headers = { "x-auth-token": acme.token }
  expect((await wire.ask(`/%69${credentials}`, { token: null, headers })).status).toBe(200)
  expect((await wire.ask(`/%76%31/${acme.accountNumber}/types`, { headers })).status).toBe(401)
})

test("roles: who only reads there only reads here; an administrator there is none here", async () => {
  const [acme, other] = [await house.tenant("acme"), await house.tenant("other")]
  const body = { volume: { size: 1 } }
  knows("reads", byId(acme), ["Reader"])
  knows("writes", byId(acme), ["member", "reader"])
  knows("rules", byId(acme), ["admin"])
  expect((await list("reads", acme)).status).toBe(200)
  expect((await list("reads", acme, { method: "POST", body })).status).toBe(403)
  for (const token of ["writes", "rules"]) {
    expect((await list(token, acme, { method: "POST", body })).status).toBe(200)
    expect((await list(token, other)).status).toBe(400)
  }
  const all = await wire.ask("/v1/acme/volumes?all_tenants=1", {
    token: null,
    headers: { "x-auth-token": "rules" },
  })
  expect(all.json.volumes).toHaveLength(2)
})

test("old clients log in by v2.0 and get Keystone's own token, whatever they bring", async () => {
  const acme = await house.tenant("acme")
  await house.tenant("other")
  knows("theirs", named("acme"))
  const user = { name: "joe", domain: { id: "default" } }
  const credential = "c".repeat(32)
  const key = (username: string) => ({
    "RAX-KSKEY:apiKeyCredentials": { username, apiKey: "a key" },
  })
  const byKey = (how: object) => ({
    identity: { methods: ["application_credential"], application_credential: how },
  })
  const byPassword = { passwordCredentials: { username: "joe", password: "joe's" } }
  const password = { methods: ["password"], password: { user: { ...user, password: "joe's" } } }
  const scope = { project: { name: "acme", domain: { id: "default" } } }
  const byToken = { methods: ["token"], token: { id: "before" } }
  const ways: [object, object, string][] = [
    [byPassword, { identity: password }, "PASSWORD"],
    [{ ...byPassword, tenantName: "acme" }, { identity: password, scope }, "PASSWORD"],
    [{ ...byPassword, tenantId: acme.accountNumber }, { identity: password, scope }, "PASSWORD"],
    [key("joe"), byKey({ name: "api-key", user, secret: "a key" }), "APIKEY"],
    [key(credential), byKey({ id: credential, secret: "a key" }), "APIKEY"],
    [
      { token: { id: "before" }, tenantId: acme.tenantId },
      { identity: byToken, scope: { project: { id: acme.tenantId } } },
      "TOKEN",
    ],
  ]
  const login = (auth: object) =>
    wire.ask("/v2.0/tokens", { method: "POST", token: null, body: { auth } })
  for (const [brought, asWished, by] of ways) {
    right3 = asWished
    const { status, json } = await login(brought)
    expect([status, json.access?.token]).toMatchObject([
      200,
      {
        id: "theirs",
        expires: "2099-01-01T00:00:00.000Z",
        tenant: { id: `${acme.accountNumber}`, name: "acme" },
        "RAX-AUTH:authenticatedBy": [by],
      },
    ])
    expect(json.access.user).toMatchObject({ id: "0123", name: "their user" })
    expect(json.access.serviceCatalog[0].endpoints[0].publicURL).toMatch(/^http.*\/v1\/\d+$/)
    expect((await list(json.access.token.id, acme)).status).toBe(200)
  }
  right3 = { identity: password }
  expect((await login(key("joe"))).status).toBe(401)
  right3 = byKey({ id: credential, secret: "a key" })
  expect((await login({ ...key(credential), tenantName: "other" })).status).toBe(401)
  knows("theirs", named("nobody here"))
  expect((await login(key(credential))).status).toBe(401)
  knows("theirs", named("acme"), ["member"], "some day")
  expect((await login(key(credential))).status).toBe(503)
  trouble = 500
  expect((await login(key(credential))).status).toBe(503)
})

test("what Keystone said is believed for a while, good or bad; not beyond the token's end", async () => {
  const acme = await house.tenant("acme")
  knows("good", byId(acme))
  knows("over", byId(acme), ["member"], new Date(Date.now() - 1000).toISOString())
  for (let nth = 0; nth < 3; nth++) {
    expect((await list("good", acme)).status).toBe(200)
    expect((await list("bad", acme)).status).toBe(401)
    expect((await list("over", acme)).status).toBe(401)
  }
  const times = (token: string) => asked.filter(({ subject }) => subject === token).length
  expect([times("good"), times("bad"), times("over")]).toEqual([1, 1, 3])
  expect(asked.filter(({ method }) => method === "POST")).toHaveLength(1)
})

test("a service token that is over is made anew; a Keystone in trouble is 503, then asked again", async () => {
  const acme = await house.tenant("acme")
  for (const token of ["one", "two", "three"]) knows(token, byId(acme))
  expect((await list("one", acme)).status).toBe(200)
  serviceToken = "service-2"
  expect((await list("two", acme)).status).toBe(200)
  trouble = 500
  const { status, headers, json } = await list("three", acme)
  expect([status, headers["retry-after"], Object.keys(json)]).toEqual([
    503,
    "10",
    ["serviceUnavailable"],
  ])
  trouble = null
  expect((await list("three", acme)).status).toBe(200)
  keystone.closeAllConnections()
  await new Promise((resolve) => keystone.close(resolve))
  expect((await list("four", acme)).status).toBe(503)
  expect((await list("three", acme)).status).toBe(200)
})
