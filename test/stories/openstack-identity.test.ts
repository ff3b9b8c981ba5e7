/** Identity v2.0 and v3: every way in, what is told of tokens, and to whom. */
import { describe, expect, test } from "vitest"
import { right } from "../crash/world.ts"
import { openstackForEachTest, type Tenant } from "../fixtures/openstack-house.ts"

const house = openstackForEachTest()
const places = ["", "/identity"]

type Auth = Record<string, unknown>
const post = (path: string, auth: Auth) =>
  house.wire.ask(path, { method: "POST", token: null, body: { auth } })
const login2 = (auth: Auth, place = "") => post(`${place}/v2.0/tokens`, auth)
const login3 = (auth: Auth, place = "") => post(`${place}/v3/auth/tokens`, auth)
const works = async ({ accountNumber }: Tenant, token: string) =>
  (await house.asks(token)(`/v1/${accountNumber}/volumes`)).status

const byPassword = ({ login: username, password }: Tenant) => ({
  passwordCredentials: { username, password },
})
const password3 = ({ login: name, password }: Tenant, more: object = {}) => ({
  identity: {
    methods: ["password"],
    password: { user: { name, password, domain: { id: "default" }, ...more } },
  },
})

describe("Identity v2.0", () => {
  test("lets in by password, API key and token, with or without the account, in both places", async () => {
    const acme = await house.tenant("acme")
    const number = `${acme.accountNumber}`
    const key = { "RAX-KSKEY:apiKeyCredentials": { username: "acme", apiKey: acme.apiKey } }
    const ways: Auth[] = [
      byPassword(acme),
      { ...byPassword(acme), tenantName: "acme" },
      { ...byPassword(acme), tenantId: acme.accountNumber },
      { ...byPassword(acme), tenantId: acme.tenantId },
      key,
      { token: { id: acme.token }, tenantId: number },
    ]
    for (const place of places) {
      for (const auth of ways) {
        const { status, json } = await login2(auth, place)
        expect(status).toBe(200)
        const { token, user, serviceCatalog } = json.access
        expect(token.tenant).toMatchObject({ id: number, name: "acme" })
        expect(Date.parse(token.expires) - Date.parse(token.issued_at)).toBe(3_600_000)
        expect(user).toMatchObject({ name: "acme", "RAX-AUTH:defaultRegion": "DFW" })
        expect(user.roles.map((role: { name: string }) => role.name)).toContain("member")
        const [volume] = serviceCatalog
        const url = `${house.wire.url}/v1/${number}`
        expect(volume).toEqual({
          name: "cloudBlockStorage",
          type: "volume",
          endpoints: [{ region: "DFW", tenantId: number, publicURL: url, internalURL: url }],
        })
        expect(await works(acme, token.id)).toBe(200)
      }
    }
    expect((await login2(key)).json.access.token["RAX-AUTH:authenticatedBy"]).toEqual(["APIKEY"])
  })

  test("tells of a token, names tenants, takes a token back", async () => {
    const acme = await house.tenant("acme")
    const { id } = (await login2(byPassword(acme))).json.access.token
    const ask = house.asks(id)
    expect((await ask(`/v2.0/tokens/${id}`)).json.access.user.name).toBe("acme")
    expect((await ask(`/v2.0/tokens/${id}`, { method: "HEAD" })).status).toBe(200)
    const { tenants } = (await ask("/v2.0/tenants")).json
    expect(tenants).toEqual([
      { id: `${acme.accountNumber}`, name: "acme", enabled: true, description: "" },
    ])
    expect((await ask(`/identity/v2.0/tokens/${id}`, { method: "DELETE" })).status).toBe(204)
    expect(await works(acme, id)).toBe(401)
    expect((await acme.ask(`/v2.0/tokens/${id}`)).status).toBe(404)
  })
})

describe("Identity v3", () => {
  test("lets in by password, token and application credential, scoped and not", async () => {
    const acme = await house.tenant("acme")
    const project = { id: acme.tenantId }
    const userId = acme.who.userId
    const byId = (id: string): Auth => ({
      identity: { methods: ["password"], password: { user: { id, password: acme.password } } },
    })
    const scopes: Auth[] = [
      {},
      { scope: { project } },
      { scope: { project: { name: "acme", domain: { name: "Default" } } } },
      { scope: { project: { id: `${acme.accountNumber}` } } },
    ]
    const proofs: Auth[] = [
      password3(acme),
      password3(acme, { domain: { name: "default" } }),
      byId(userId),
      byId(userId.replaceAll("-", "")),
      { identity: { methods: ["token"], token: { id: acme.token } }, tenantId: "looked over" },
    ]
    for (const place of places) {
      for (const scope of scopes) {
        for (const proof of proofs) {
          const { status, headers, json } = await login3({ ...proof, ...scope }, place)
          expect(status).toBe(201)
          expect(json.token).toMatchObject({
            methods: (proof["identity"] as { methods: string[] }).methods,
            user: {
              id: userId.replaceAll("-", ""),
              name: "acme",
              domain: { id: "default", name: "Default" },
            },
            project: {
              id: acme.tenantId,
              name: "acme",
              domain: { id: "default", name: "Default" },
            },
            is_domain: false,
          })
          expect(json.token.expires_at).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
          expect(await works(acme, `${headers["x-subject-token"]}`)).toBe(200)
        }
      }
    }
    const unscoped = await login3({ ...password3(acme), scope: "unscoped" })
    expect("project" in unscoped.json.token).toBe(false)
    const subject = { "x-subject-token": `${unscoped.headers["x-subject-token"]}` }
    const validated = await acme.ask("/v3/auth/tokens", { headers: subject })
    expect(validated.json).toEqual(unscoped.json)
    const rescoped = await login3({
      identity: { methods: ["token"], token: { id: `${unscoped.headers["x-subject-token"]}` } },
      scope: { project },
    })
    expect(rescoped.json.token.project.id).toBe(acme.tenantId)
  })

  test("publishes the services that clients look for, each under a name of its own", async () => {
    const acme = await house.tenant("acme")
    const { token } = (await login3(password3(acme))).json
    const at = house.wire.url
    const found = token.catalog.map(
      (service: { type: string; name: string; endpoints: object[] }) => [
        service.type,
        service.name,
        (service.endpoints[0] as { url: string }).url,
      ],
    )
    expect(found).toEqual([
      ["volume", "cloudBlockStorage", `${at}/v1/${acme.accountNumber}`],
      ["volumev3", "cinderv3", `${at}/v3/${acme.tenantId}`],
      ["block-storage", "cinder", `${at}/v3/${acme.tenantId}`],
      ["identity", "keystone", `${at}/identity`],
      ["image", "glance", `${at}/image`],
      ["compute", "nova", `${at}/compute/v2.1/${acme.tenantId}`],
    ])
    expect(token.catalog[0].endpoints).toMatchObject(
      ["public", "internal", "admin"].map((each) => ({
        interface: each,
        region: "DFW",
        region_id: "DFW",
      })),
    )
    const { catalog } = (await acme.ask("/v3/auth/catalog")).json
    expect(catalog).toEqual(token.catalog)
  })

  test("tells of tokens to their user and the administrator, and of none to anybody else", async () => {
    const [acme, other] = [await house.tenant("acme"), await house.tenant("other")]
    const token = `${(await login3(password3(acme))).headers["x-subject-token"]}`
    const subject = { headers: { "x-subject-token": token } }
    const own = await house.asks(token)("/v3/auth/tokens", subject)
    expect([own.status, own.headers["x-subject-token"]]).toEqual([200, token])
    expect(own.json.token.project.name).toBe("acme")
    expect(
      (await acme.ask("/identity/v3/auth/tokens", { ...subject, method: "HEAD" })).status,
    ).toBe(200)
    const keyed = await login2({
      "RAX-KSKEY:apiKeyCredentials": { username: "acme", apiKey: acme.apiKey },
    })
    const { id } = keyed.json.access.token
    const seen = await acme.ask("/v3/auth/tokens", { headers: { "x-subject-token": id } })
    expect(seen.json.token.methods).toEqual(["apikey"])
    expect((await acme.ask(`/v2.0/tokens/${id}`)).json).toEqual(keyed.json)
    const plain = await acme.ask("/v3/auth/tokens?nocatalog", subject)
    expect("catalog" in plain.json.token).toBe(false)
    const admin = right(
      await house.house.core().identity.issueToken(house.house.stage.who, { livesMs: 3_600_000 }),
    )
    expect((await house.asks(admin.token)("/v3/auth/tokens", subject)).status).toBe(200)
    for (const method of ["GET", "HEAD", "DELETE"]) {
      const theirs = await other.ask("/v3/auth/tokens", { ...subject, method })
      const nobodys = await other.ask("/v3/auth/tokens", {
        method,
        headers: { "x-subject-token": "x" },
      })
      expect([theirs.status, theirs.bytes]).toEqual([404, nobodys.bytes])
    }
    expect((await acme.ask("/v3/auth/tokens")).status).toBe(400)
    expect(await works(acme, token)).toBe(200)
    expect((await acme.ask("/v3/auth/tokens", { ...subject, method: "DELETE" })).status).toBe(204)
    expect(await works(acme, token)).toBe(401)
  })

  test("names the projects that one may act for", async () => {
    const [acme, other] = [await house.tenant("acme"), await house.tenant("other")]
    for (const path of ["/v3/auth/projects", "/v3/projects", "/identity/v3/projects?name=acme"]) {
      const { projects } = (await acme.ask(path)).json
      expect(projects).toMatchObject([{ id: acme.tenantId, name: "acme", domain_id: "default" }])
    }
    expect((await acme.ask("/v3/projects?name=other")).json.projects).toEqual([])
    expect((await acme.ask(`/v3/projects/${acme.tenantId}`)).json.project.name).toBe("acme")
    const theirs = await acme.ask(`/v3/projects/${other.tenantId}`)
    const nobodys = await acme.ask(`/v3/projects/${"0".repeat(32)}`)
    expect([theirs.status, nobodys.status]).toEqual([404, 404])
  })

  test("keeps application credentials, which let in as themselves until they are taken back", async () => {
    const acme = await house.tenant("acme")
    const user = acme.who.userId.replaceAll("-", "")
    const all = `/v3/users/${user}/application_credentials`
    const wish = {
      name: "ci",
      description: "d",
      roles: [{ name: "reader" }],
      expires_at: "2099-01-01T00:00:00.000000",
    }
    const made = await acme.ask(all, { method: "POST", body: { application_credential: wish } })
    expect(made.status).toBe(201)
    const { id, secret, ...rest } = made.json.application_credential
    expect(rest).toMatchObject({
      name: "ci",
      description: "d",
      project_id: acme.tenantId,
      roles: [{ name: "reader" }],
      unrestricted: false,
      expires_at: "2099-01-01T00:00:00.000000Z",
    })
    const again = await acme.ask(all, { method: "POST", body: { application_credential: wish } })
    expect([again.status, again.json.error.title]).toEqual([409, "Conflict"])
    const { application_credentials: listed } = (await acme.ask(all)).json
    expect(listed).toMatchObject([{ id, name: "ci" }])
    expect("secret" in listed[0]).toBe(false)
    const one = await acme.ask(`/identity${all}/${id}`)
    expect(one.json.application_credential.id).toBe(id)
    const by = (credential: object) =>
      login3({
        identity: {
          methods: ["application_credential"],
          application_credential: { secret, ...credential },
        },
      })
    const named = { name: "ci", user: { name: "acme", domain: { id: "default" } } }
    for (const credential of [{ id }, named, { name: "ci", user: { id: user } }]) {
      const { status, headers, json } = await by(credential)
      expect([status, json.token.project.id]).toEqual([201, acme.tenantId])
      expect(json.token.roles).toEqual([{ id: "reader", name: "reader" }])
      const token = `${headers["x-subject-token"]}`
      expect(await works(acme, token)).toBe(200)
      const write = { method: "POST", body: { volume: { size: 1 } } }
      const refused = await house.asks(token)(`/v1/acme/volumes`, write)
      expect([refused.status, Object.keys(refused.json)]).toEqual([403, ["forbidden"]])
    }
    expect((await by({ id, secret: "wrong" })).status).toBe(401)
    expect((await acme.ask(`${all}/${id}`, { method: "DELETE" })).status).toBe(204)
    expect((await by({ id })).status).toBe(401)
    expect((await acme.ask(`${all}/${id}`)).status).toBe(404)
    const other = await house.tenant("other")
    for (const method of ["GET", "POST"]) {
      const body = method === "POST" ? { body: { application_credential: { name: "x" } } } : {}
      expect((await other.ask(all, { method, ...body })).status).toBe(404)
    }
  })
})

describe("whoever is not known", () => {
  const wrong = (tenant: Tenant): Auth[] => [
    { passwordCredentials: { username: "acme", password: "wrong" } },
    { passwordCredentials: { username: "nobody", password: "wrong" } },
    { passwordCredentials: { username: "acme", password: "" } },
    { "RAX-KSKEY:apiKeyCredentials": { username: "acme", apiKey: tenant.password } },
    { token: { id: "nonsense" } },
    { ...byPassword(tenant), tenantName: "other" },
    { ...byPassword(tenant), tenantName: "nobody" },
  ]

  test("gets the same 401 for whatever is wrong, with where to log in", async () => {
    const acme = await house.tenant("acme")
    await house.tenant("other")
    const bodies = new Set<string>()
    for (const auth of wrong(acme)) {
      const { status, headers, bytes } = await login2(auth)
      expect([status, headers["www-authenticate"]]).toEqual([
        401,
        `Keystone uri='${house.wire.url}/identity'`,
      ])
      bodies.add(bytes.toString())
    }
    expect([...bodies]).toEqual([
      '{"unauthorized":{"code":401,"message":"The request you have made requires authentication."}}',
    ])
    const wrong3: Auth[] = [
      password3(acme, { password: "x" }),
      password3(acme, { domain: { id: "other" } }),
      password3(acme, { name: "nobody" }),
      { identity: { methods: ["password"], password: { user: { password: "x" } } } },
      { identity: { methods: ["token"], token: { id: "nonsense" } } },
      { ...password3(acme), scope: { project: { name: "other" } } },
      { ...password3(acme), scope: { project: { id: "0".repeat(32) } } },
      { ...password3(acme), scope: { project: { name: "acme", domain: { id: "x" } } } },
      // What nobody here has a role in is not given for something else.
      { ...password3(acme), scope: { domain: { id: "default" } } },
      { ...password3(acme), scope: { system: { all: true } } },
    ]
    for (const auth of wrong3) {
      const { status, json } = await login3(auth)
      const message = "The request you have made requires authentication."
      expect([status, json]).toEqual([
        401,
        { error: { code: 401, title: "Unauthorized", message } },
      ])
    }
  })

  test("is told 400 where nothing could be understood", async () => {
    const bodies: (string | object)[] = [
      "{",
      "[]",
      "",
      { auth: {} },
      { auth: { passwordCredentials: { username: 1 } } },
    ]
    for (const body of bodies) {
      const two = await house.wire.ask("/v2.0/tokens", { method: "POST", token: null, body })
      expect([two.status, Object.keys(two.json)]).toEqual([400, ["badRequest"]])
      const three = await house.wire.ask("/v3/auth/tokens", { method: "POST", token: null, body })
      expect([three.status, three.json.error.title]).toEqual([400, "Bad Request"])
    }
    const unknown = await login3({ identity: { methods: ["totp"], totp: {} } })
    expect(unknown.status).toBe(400)
  })

  test("with a token that is over, taken back, or never was: the same 401, in each API's words", async () => {
    const acme = await house.tenant("acme")
    const identity = house.house.core().identity
    const short = right(await identity.issueToken(acme.who, { livesMs: 7_777 }))
    const back = right(await identity.issueToken(acme.who, { livesMs: 3_600_000 }))
    right(await identity.revokeToken(acme.who, back.token))
    await house.house.stage.making.ledger.transaction(async ({ tokens }) => {
      const [newest] = await tokens.find({ expiresAt: short.expiresAt })
      await tokens.change(newest?.id ?? "", { expiresAt: Date.now() })
    })
    const told = new Set<string>()
    for (const token of [short.token, back.token, "never-was", "b\u00e4d", "x".repeat(5000)]) {
      const { status, bytes, headers } = await house.asks(token)("/v1/acme/snapshots")
      expect(status).toBe(401)
      expect(headers["www-authenticate"]).toBe(`Keystone uri='${house.wire.url}/identity'`)
      told.add(bytes.toString())
    }
    const none = await house.wire.ask("/v1/acme/snapshots", { token: null })
    told.add(none.bytes.toString())
    expect(told.size).toBe(1)
    const v3 = await house.wire.ask("/v3/auth/tokens", { token: null })
    expect([v3.status, v3.json.error.code]).toEqual([401, 401])
  })
})

test("what a token is nobody finds in the ledger", async () => {
  const acme = await house.tenant("acme")
  const token = `${(await login3(password3(acme))).headers["x-subject-token"]}`
  const { read } = house.house.stage.making.ledger
  const rooms = ["tokens", "users", "accounts", "operations", "appCredentials"] as const
  const all = JSON.stringify(await Promise.all(rooms.map((room) => read[room].find({}))))
  expect(all).toContain(acme.who.userId)
  for (const secret of [token, acme.token, acme.password, acme.apiKey]) {
    expect(all).not.toContain(secret)
  }
})

test("versions are told to everybody, with hrefs by the name that the client used", async () => {
  const headers = { host: "cloud.example" }
  const ask = (path: string) => house.wire.ask(path, { token: null, headers })
  for (const place of places) {
    for (const [path, id] of [
      ["/v3", "v3.14"],
      ["/v3/", "v3.14"],
      ["/v2.0/", "v2.0"],
    ] as const) {
      const { status, json } = await ask(place + path)
      expect([status, json.version.id]).toEqual([200, id])
      const bare = path.replace(/\/$/, "")
      expect(json.version.links).toEqual([
        { rel: "self", href: `http://cloud.example${place}${bare}/` },
      ])
    }
  }
  const both = await ask("/identity")
  expect(both.status).toBe(300)
  expect(both.json.versions.values.map(({ id }: { id: string }) => id)).toEqual(["v3.14", "v2.0"])
  expect((await ask("/v2.0/extensions")).json).toEqual({ extensions: { values: [] } })
  const odd = await house.wire.ask("/identity", { token: null, headers: { host: '"><script>' } })
  expect(odd.bytes.toString()).not.toContain("script")
})
