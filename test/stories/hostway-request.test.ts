/** Requests as the documents of this API print them, sent by curl and by bare sockets. */
import { execFile } from "node:child_process"
import { once } from "node:events"
import { connect } from "node:net"
import { promisify } from "node:util"
import { describe, expect, test } from "vitest"
import { basic, hostwayForEachTest, type Tenant } from "../fixtures/hostway-house.ts"

const hostway = hostwayForEachTest()
const run = promisify(execFile)

const body = `{ "snapshot": { "name": "fitnesse snapshot", "description": "fitnesse test snapshot" } }`
const bare = ({ login }: Tenant) => basic(login, `${login}'s:secret`).slice("Basic ".length)

async function alice() {
  const tenant = await hostway.tenant("alice")
  return { tenant, server: await hostway.server(tenant.who) }
}

async function curl(path: string, headers: readonly string[], ...more: string[]) {
  const argv = ["-sS", "-i", ...headers.flatMap((line) => ["-H", line]), ...more]
  const { stdout } = await run("curl", [...argv, `${hostway.wire.url}${path}`])
  return parsed(stdout)
}

/** The request's very bytes, and what came back until the connection's end. */
async function raw(lines: readonly string[]) {
  const { port } = new URL(hostway.wire.url)
  const socket = connect(Number(port), "127.0.0.1")
  const pieces: Buffer[] = []
  socket.on("data", (piece: Buffer) => pieces.push(piece))
  socket.write([...lines, "Connection: close", "", body].join("\r\n"))
  await once(socket, "close")
  return parsed(Buffer.concat(pieces).toString())
}

function parsed(answer: string) {
  const [head = "", ...rest] = answer.replace(/^HTTP\/1.1 100 .*?\r\n\r\n/s, "").split("\r\n\r\n")
  const text = rest.join("\r\n\r\n")
  const [first = "", ...lines] = head.split("\r\n")
  const headers = new Map(
    lines.map((line): [string, string] => {
      const colon = line.indexOf(":")
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()]
    }),
  )
  return { status: Number(first.split(" ")[1]), headers, text, json: () => JSON.parse(text) }
}

describe("the documents' own example", () => {
  const oneLine = "Content-Type:application/json Charset=UTF-8"

  test("by curl: 202, the documented keys, and a Location that is polled to its end", async () => {
    const { tenant, server } = await alice()
    const headers = [oneLine, `Authorization:${bare(tenant)}`]
    const made = await curl(`/servers/${server}/snapshots`, headers, "-d", body)
    expect(made.status).toBe(202)
    const self = made.headers.get("location") ?? ""
    const { snapshot } = made.json()
    expect(made.json()).toEqual({
      snapshot: {
        id: expect.stringMatching(
          new RegExp(`^snapshot_${server}_\\d{4}[A-Z][a-z]{2}\\d{2}_[0-9a-z]{25}$`),
        ),
        name: "fitnesse snapshot",
        description: "fitnesse test snapshot",
        status: "BUILD",
        guid: "",
        parent_guid: "",
        relation_guid: "",
        create_time: "",
        links: [{ href: self, rel: "self" }],
      },
    })
    expect(self).toBe(`${hostway.wire.url}/servers/${server}/snapshots/${snapshot.id}/`)
    await hostway.house.stage.service.executor.idle()
    const there = await curl(new URL(self).pathname, headers)
    expect(there.status).toBe(200)
    expect(there.json().snapshot).toEqual({
      ...snapshot,
      status: "ACTIVE",
      guid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      parent_guid: "",
      relation_guid: expect.stringMatching(/^[0-9a-f-]{36}$/),
      create_time: expect.stringMatching(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d$/),
    })
  })

  const variants: [what: string, headers: (tenant: Tenant) => string[]][] = [
    ["Basic, as it should be", (tenant) => [oneLine, `Authorization: Basic ${bare(tenant)}`]],
    ["basic, in small letters", (tenant) => [oneLine, `authorization: basic ${bare(tenant)}`]],
    ["a type of its own line", (tenant) => ["Content-Type:application/json", auth(tenant)]],
    ["Charset as a header", (tenant) => [oneLine, "Charset:UTF-8", auth(tenant)]],
    ["no type at all", (tenant) => ["Content-Type:", auth(tenant)]],
    ["a type that is another's", (tenant) => ["Content-Type: text/plain", auth(tenant)]],
    ["curl's own type of forms", (tenant) => [auth(tenant)]],
  ]
  const auth = (tenant: Tenant) => `Authorization:${bare(tenant)}`
  for (const [what, headers] of variants) {
    test(`by curl with ${what}`, async () => {
      const { tenant, server } = await alice()
      const made = await curl(`/servers/${server}/snapshots`, headers(tenant), "-d", body)
      expect([made.status, made.text]).toEqual([202, expect.stringContaining(`"BUILD"`)])
    })
  }

  test("with an API key in the password's place", async () => {
    const wish = { login: "keys", password: "p", apiKey: "a-key" }
    const { who } = hostway.house.stage
    await hostway.house.core().identity.createAccount({ who }, wish)
    const ask = async (secret: string) =>
      (await curl("/zones", [`Authorization:${basic("keys", secret)}`])).status
    expect([await ask("a-key"), await ask("p"), await ask("other")]).toEqual([200, 200, 401])
  })

  test("by a bare socket, with the very bytes of the example", async () => {
    const { tenant, server } = await alice()
    const made = await raw([
      `POST /servers/${server}/snapshots/ HTTP/1.1`,
      "Host: flexcloud.example:8403",
      oneLine,
      auth(tenant),
      `Content-Length: ${body.length}`,
    ])
    expect(made.status).toBe(202)
    expect(made.headers.get("location")).toMatch(
      `http://flexcloud.example:8403/servers/${server}/snapshots/snapshot_`,
    )
  })

  test("over HTTP/1.0 without a Host: links without one", async () => {
    const { tenant, server } = await alice()
    const made = await raw([
      `POST /servers/${server}/snapshots HTTP/1.0`,
      auth(tenant),
      `Content-Length: ${body.length}`,
    ])
    expect(made.status).toBe(202)
    expect(made.headers.get("location")).toMatch(`/servers/${server}/snapshots/snapshot_`)
    expect(made.json().snapshot.links[0].href).toBe(made.headers.get("location"))
  })

  test("a Host that is none is not repeated", async () => {
    const { tenant, server } = await alice()
    const made = await raw([
      `POST /servers/${server}/snapshots HTTP/1.1`,
      `Host: "><script>`,
      auth(tenant),
      `Content-Length: ${body.length}`,
    ])
    expect(made.status).toBe(202)
    expect(made.headers.get("location")).toMatch(/^\/servers\//)
    expect(made.text + [...made.headers.values()].join()).not.toContain("<script>")
  })

  test("Charset=UTF-8 on a line of its own is no HTTP, and changes nothing", async () => {
    const { tenant, server } = await alice()
    const made = await raw([
      `POST /servers/${server}/snapshots HTTP/1.1`,
      "Host: flexcloud.example",
      "Content-Type:application/json",
      "Charset=UTF-8",
      auth(tenant),
      `Content-Length: ${body.length}`,
    ])
    expect(made.status).toBe(400)
    const list = await tenant.ask(`/servers/${server}/snapshots`)
    expect(list.json).toEqual({ snapshots: [] })
  })
})

describe("who cannot say who they are", () => {
  const plain =
    /^401 Unauthorized\n\nThis server could not verify that you are authorized to access the document you requested\. {2}Either you supplied the wrong credentials .*\n\n .*\n$/
  const bad: [what: string, header: string][] = [
    ["nothing", ""],
    ["another's password", basic("alice", "wrong")],
    ["a user that there is not", basic("nobody", "alice's:secret")],
    ["no colon", Buffer.from("alice").toString("base64")],
    ["no user", Buffer.from(":alice's:secret").toString("base64")],
    ["what is no Base64", "Basic %%%"],
    ["another scheme", "Bearer YWxpY2U6YWxpY2Uncw=="],
    ["a great deal", `Basic ${"QUFB".repeat(3000)}`],
  ]
  for (const [what, authorization] of bad) {
    test(`is told so in plain text: ${what}`, async () => {
      await hostway.tenant("alice")
      for (const path of ["/servers", "/accounts/alice/flexcloud/servers/", "/accounts/nobody"]) {
        const headers = authorization === "" ? {} : { authorization }
        const reply = await hostway.wire.ask(path, { token: null, headers })
        expect(reply.status).toBe(401)
        expect(reply.headers["www-authenticate"]).toMatch(/^Basic realm="/)
        expect(reply.headers["content-type"]).toMatch(/^text\/plain/)
        expect(reply.bytes.toString()).toMatch(plain)
      }
    })
  }
})
