/** Who is let in through the CloudAPI face, as whom, and what everybody else is told. */
import { describe, expect, test } from "vitest"
import { right } from "../crash/world.ts"
import { cloudapiForEachTest, keyOf, type Tenant } from "../fixtures/cloudapi-house.ts"
import { newKey, type Signing, signatureOf, signedHeaders } from "../fixtures/ssh-keys.ts"

const cloud = cloudapiForEachTest()
const core = () => cloud.house.core()

const wrong = { code: "InvalidCredentials", message: "Invalid authorization credentials supplied" }
const keyIdOf = ({ login, key }: Tenant) => `/${login}/keys/${key.fingerprint}`

const bare = (path: string, headers: Record<string, string> = {}) =>
  cloud.wire.ask(path, { token: null, headers })

describe("a request", () => {
  test("that is not signed is asked to be", async () => {
    for (const headers of [{}, { authorization: "Basic bWFyazpwdw==" }]) {
      const reply = await bare("/my/machines", headers)
      expect([reply.status, reply.json]).toEqual([
        401,
        {
          code: "InvalidCredentials",
          message: "You must make authenticated requests to use CloudAPI",
        },
      ])
    }
  })

  test.each(["target", "date", "old"] as const)("may be signed in the form %s", async (form) => {
    const mark = await cloud.tenant("mark")
    expect((await mark.ask("/my", { as: { form } })).json.login).toBe("mark")
  })

  test("may name its key by name or by fingerprint", async () => {
    const mark = await cloud.tenant("mark")
    for (const keyId of ["/mark/keys/main", keyIdOf(mark)]) {
      expect((await mark.ask("/mark", { as: { keyId } })).status).toBe(200)
    }
  })

  test("names the account by any of its names", async () => {
    const mark = await cloud.tenant("mark")
    const { tenantId, accountNumber } = mark
    for (const account of ["my", "mark", tenantId, tenantId.toUpperCase(), `${accountNumber}`]) {
      expect((await mark.ask(`/${account}`)).json).toMatchObject({ login: "mark" })
    }
  })

  test("sent again later, elsewhere, or altered is refused", async () => {
    const mark = await cloud.tenant("mark")
    const signing = { keyId: keyIdOf(mark), path: "/my/keys" }
    const headers = signedHeaders(mark.key, signing)
    expect((await bare("/my/keys", headers)).status).toBe(200)
    expect((await bare("/my/machines", headers)).json).toEqual(wrong)
    expect((await bare("/my/keys?x=1", headers)).json).toEqual(wrong)
    const deleted = await cloud.wire.ask("/my/keys/main", {
      method: "DELETE",
      token: null,
      headers,
    })
    expect(deleted.json).toEqual(wrong)
    const old = new Date(Date.now() - 400_000).toUTCString()
    const late = await bare("/my/keys", signedHeaders(mark.key, { ...signing, date: old }))
    expect([late.status, late.json.code]).toEqual([400, "InvalidHeader"])
    expect(late.json.message).toMatch(/^Authorization header invalid: clock skew of \d/)
    const moved = await bare("/my/keys", {
      ...headers,
      date: new Date(Date.now() + 1e4).toUTCString(),
    })
    expect([moved.status, moved.json]).toEqual([401, wrong])
  })

  test.each<[string, string, number, string]>([
    ["nonsense", "Signature nonsense", 400, "InvalidHeader"],
    [
      "an unknown algorithm",
      'Signature keyId="/a/keys/b",algorithm="md5",signature="AA=="',
      400,
      "InvalidHeader",
    ],
    [
      "a keyId of no shape",
      'Signature keyId="mark",algorithm="rsa-sha256",signature="AA=="',
      401,
      "InvalidCredentials",
    ],
  ])("with %s in its header is refused", async (_words, authorization, status, code) => {
    const reply = await bare("/my", { authorization, date: new Date().toUTCString() })
    expect([reply.status, reply.json.code]).toEqual([status, code])
  })
})

test("an unknown account, an unknown key and a wrong signature are not told apart", async () => {
  const mark = await cloud.tenant("mark")
  await cloud.tenant("anna")
  const stranger = newKey("ed25519")
  const attempts: [Partial<Signing>, typeof stranger][] = [
    [{ keyId: `/nobody/keys/${mark.key.fingerprint}` }, mark.key],
    [{ keyId: `/mark/keys/${stranger.fingerprint}` }, stranger],
    [{ keyId: "/mark/keys/none" }, mark.key],
    [{ keyId: keyIdOf(mark) }, stranger],
    [{ keyId: `/anna/keys/${mark.key.fingerprint}` }, mark.key],
    [{ keyId: "/mark/users/nobody/keys/main" }, mark.key],
  ]
  const replies = await Promise.all(
    attempts.map(([as, key]) =>
      bare("/mark", signedHeaders(key, { keyId: "", path: "/mark", ...as })),
    ),
  )
  const told = replies.map(({ status, json, headers }) => {
    const { date: _d, "response-time": _r, "x-response-time": _x, ...rest } = headers
    return { status, json, names: Object.keys(rest).sort() }
  })
  expect(told[0]).toMatchObject({ status: 401, json: wrong })
  for (const one of told) expect(one).toEqual(told[0])
})

test("somebody else's account and one that is not there are not told apart", async () => {
  const mark = await cloud.tenant("mark")
  const anna = await cloud.tenant("anna")
  const refs = ["anna", anna.tenantId, `${anna.accountNumber}`, "nobody", "0".repeat(32), "999999"]
  for (const path of ["", "/machines", "/keys", "/images", "/packages", "/datacenters"]) {
    for (const ref of refs) {
      const reply = await mark.ask(`/${ref}${path}`)
      expect([reply.status, reply.json]).toEqual([
        403,
        { code: "NotAuthorized", message: `You do not have permission to access /${ref}` },
      ])
    }
  }
})

test("the key of the administrator opens one account, too", async () => {
  const { stage } = cloud.house
  const anna = await cloud.tenant("anna")
  const machine = await cloud.machine(anna.who)
  const key = keyOf("admin")
  right(await core().identity.addKey({ who: stage.who }, { publicKey: key.publicKey }))
  const ask = (path: string) =>
    bare(path, signedHeaders(key, { keyId: `/admin/keys/${key.fingerprint}`, path }))
  expect((await ask("/my")).json).toMatchObject({ login: "admin" })
  for (const login of ["anna", "nobody"]) expect((await ask(`/${login}`)).status).toBe(403)
  expect((await ask(`/my/machines/${machine}`)).status).toBe(404)
  expect((await ask("/my/machines")).json).toEqual([])
})

describe("a user of an account", () => {
  async function withUser(role: "member" | "reader") {
    const mark = await cloud.tenant("mark")
    const wish = { name: "bob", account: "mark", role }
    const made = right(await core().identity.createUser({ who: cloud.house.stage.who }, wish))
    const key = keyOf("bob")
    const added = await mark.ask("/my/users/bob/keys", {
      method: "POST",
      body: { key: key.publicKey, name: "laptop" },
    })
    expect([added.status, added.headers.location]).toEqual([201, "/mark/users/bob/keys/laptop"])
    const keyId = "/mark/users/bob/keys/laptop"
    const ask = (path: string, method = "GET", headers: Record<string, string> = {}) => {
      const signed = signedHeaders(key, { keyId, method, path })
      return cloud.wire.ask(path, { method, token: null, headers: { ...signed, ...headers } })
    }
    return { mark, ask, id: made.userId }
  }

  test("is shown with its keys and its role, which are the owner's to see to", async () => {
    const { mark, ask, id } = await withUser("reader")
    const bob = { id, login: "bob", email: "", created: expect.any(String) }
    expect((await mark.ask("/my/users")).json).toMatchObject([bob])
    for (const ref of ["bob", id]) {
      expect((await mark.ask(`/my/users/${ref}`)).json).toMatchObject(bob)
      expect((await mark.ask(`/my/users/${ref}/keys`)).json).toMatchObject([{ name: "laptop" }])
    }
    // The account's own are others.
    expect((await mark.ask("/my/keys")).json).toMatchObject([{ name: "main" }])
    expect((await mark.ask("/my/keys/laptop")).status).toBe(404)
    const role = { name: "reader", policies: [{ name: "reader" }], members: [{ login: "bob", id }] }
    expect((await mark.ask("/my/roles/reader")).json).toMatchObject(role)
    const old = await mark.ask("/my/roles", { headers: { "accept-version": "~8" } })
    expect(old.json[1]).toMatchObject({ name: "reader", members: ["bob"], policies: ["reader"] })
    expect((await mark.ask("/my/policies/reader")).json.rules).toHaveLength(1)
    const others = ["users/mark", "users/nobody/keys", "roles/none", "policies/none"]
    for (const path of [...others, "users/bob/keys/none"]) {
      expect([path, (await mark.ask(`/my/${path}`)).status]).toEqual([path, 404])
    }
    expect((await ask("/my/keys/main", "DELETE")).status).toBe(403)
    expect((await mark.ask("/my/users/bob/keys/laptop", { method: "DELETE" })).status).toBe(204)
    expect((await ask("/my")).status).toBe(401)
  })

  test("works in the account with a key of its own", async () => {
    const { mark, ask } = await withUser("member")
    const machine = await cloud.machine(mark.who)
    expect((await ask("/mark/machines")).json).toHaveLength(1)
    expect((await ask(`/my/machines/${machine}/snapshots`, "POST")).status).toBe(201)
  })

  test("who may only look may not do more, nor take up a role that is not its own", async () => {
    const { mark, ask } = await withUser("reader")
    const machine = await cloud.machine(mark.who)
    expect((await ask(`/my/machines/${machine}/snapshots`)).status).toBe(200)
    const refused = await ask(`/my/machines/${machine}/snapshots`, "POST")
    expect([refused.status, refused.json]).toEqual([
      403,
      {
        code: "NotAuthorized",
        message: `You do not have permission to access /my/machines/${machine}/snapshots (a reader may only look)`,
      },
    ])
    expect((await ask("/my?as-role=reader")).status).toBe(200)
    expect((await ask("/my?as-role=")).status).toBe(200)
    for (const role of ["member", "admin", "reader,admin", "__proto__"]) {
      expect((await ask(`/my?as-role=${role}`)).status).toBe(403)
    }
  })

  test("may take up a lesser role for one request", async () => {
    const { mark, ask } = await withUser("member")
    const machine = await cloud.machine(mark.who)
    const path = `/my/machines/${machine}/snapshots`
    expect((await ask(`${path}?as-role=reader`, "POST")).status).toBe(403)
    expect((await ask(`${path}?as-role=member`, "POST")).status).toBe(201)
  })

  test("is not known before version 7.2", async () => {
    const { ask } = await withUser("member")
    const reply = await ask("/my", "GET", { "accept-version": "~7.1" })
    expect([reply.status, reply.json.message]).toEqual([
      401,
      "Invalid KeyId /mark/users/bob/keys/laptop in authorization header",
    ])
  })
})

describe("a presigned URL", () => {
  async function presigned(path: string, more: Record<string, string> = {}) {
    const mark = await cloud.tenant("mark")
    const { host } = new URL(cloud.wire.url)
    const query: Record<string, string> = {
      algorithm: "ED25519-SHA512",
      expires: `${Math.floor(Date.now() / 1000) + 60}`,
      keyId: keyIdOf(mark),
      ...more,
    }
    const text = Object.keys(query)
      .sort((a, b) => a.localeCompare(b))
      .map((name) => `${encodeURIComponent(name)}=${encodeURIComponent(query[name] ?? "")}`)
      .join("&")
    const signature = signatureOf(mark.key, `GET\n${host}\n${path}\n${text}`)
    return `${path}?${text}&signature=${encodeURIComponent(signature)}`
  }

  test("lets whoever has it in, for what it was made for", async () => {
    const url = await presigned("/mark/machines")
    expect((await bare(url)).json).toEqual([])
    expect((await bare(url.replace("/mark/machines", "/mark/keys"))).json).toEqual(wrong)
    const posted = await cloud.wire.ask(url, { method: "POST", token: null })
    expect(posted.json).toEqual(wrong)
  })

  test("expires", async () => {
    const reply = await bare(await presigned("/mark/machines", { expires: "1300000000" }))
    expect([reply.status, reply.json]).toEqual([
      400,
      { code: "RequestExpired", message: "request expired" },
    ])
  })

  test("with a piece missing is malformed", async () => {
    const reply = await bare("/mark/machines?signature=AAAA")
    expect([reply.status, reply.json.code]).toEqual([400, "BadRequest"])
  })
})
