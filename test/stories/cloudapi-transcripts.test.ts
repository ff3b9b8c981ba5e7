/**
 * What `triton` and the `sdc-*` tools said to a real server, said again without them. Their
 * signatures are checked as they were sent; their requests are signed anew and answered by a
 * service on fakes, as they were answered then.
 */
import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import type { SshKey } from "../../src/domain/account.ts"
import { authorizationOf } from "../../src/faces/cloudapi/signature/authorization.ts"
import { openVerifier } from "../../src/faces/cloudapi/signature/verify.ts"
import { cloudapiForEachTest, keyOf, type Tenant } from "../fixtures/cloudapi-house.ts"
import { id } from "../fixtures/scripted-core.ts"
import { signedHeaders } from "../fixtures/ssh-keys.ts"
import { shapeOf, type Transcript } from "../fixtures/transcripts.ts"
import type { Exchange } from "../fixtures/witness.ts"

const file = new URL("../fixtures/cloudapi-transcripts/clients.json", import.meta.url)
const transcript: Transcript = JSON.parse(readFileSync(file, "utf8"))
const { exchanges } = transcript
const ofNobody = "triton with a key of nobody"

describe("the signatures of the clients", () => {
  const isTrue = openVerifier()
  const keys = new Map(transcript.publicKeys.map((line, at) => [md5Of(line), kept(line, at)]))
  const asSent = ({ method, url, headers }: Exchange["request"]) => ({
    method: method as "GET",
    urlAsSent: url,
    headers,
    query: {},
  })
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ["Date"] })
  })
  afterEach(() => {
    vi.useRealTimers()
  })

  function verdict(request: Exchange["request"]) {
    const claim = authorizationOf(asSent(request))
    if (!claim.ok || claim.value === null) return claim
    return isTrue(claim.value, keys.get(claim.value.keyId.split("/")[3] ?? ""))
  }

  test("are true as they were sent, and at no other time or place", () => {
    const used = new Set<string>()
    for (const { during, request } of exchanges) {
      vi.setSystemTime(Date.parse(request.headers["date"] ?? "") + 2000)
      expect([during, request.url, verdict(request)]).toEqual([
        during,
        request.url,
        during !== ofNobody,
      ])
      const later = new Date(Date.now()).toUTCString()
      const otherDate = { ...request, headers: { ...request.headers, date: later } }
      expect(verdict(otherDate)).toBe(false)
      const [, algorithm = "", signed = ""] =
        /algorithm="([^"]+)",.*?headers="([^"]+)"/.exec(request.headers["authorization"] ?? "") ??
        []
      used.add(`${algorithm} over ${signed}`)
      if (signed.includes("target")) {
        expect(verdict({ ...request, url: `${request.url}x` })).toBe(false)
      }
      vi.setSystemTime(Date.parse(request.headers["date"] ?? "") + 302_000)
      expect(verdict(request)).toMatchObject({ ok: false, fault: { field: "authorization" } })
    }
    expect([...used].sort()).toEqual([
      "ecdsa-sha256 over (request-target) date",
      "ecdsa-sha256 over date",
      "ed25519-sha512 over (request-target) date",
      "rsa-sha1 over date",
      "rsa-sha256 over (request-target) date",
      "rsa-sha256 over date",
    ])
  })
})

describe("the requests of the clients", () => {
  const cloud = cloudapiForEachTest()

  test("are answered as they were then", async () => {
    const { stage } = cloud.house
    const mark = await cloud.tenant("mark")
    const names = { machine: "", image: await stage.making.makeImage(stage.service, mark.who) }
    const renamed = (text: string) =>
      text.replaceAll(transcript.machine, names.machine).replaceAll(transcript.image, names.image)
    for (const [at, exchange] of exchanges.entries()) {
      const reply = await again(mark, exchange, renamed)
      const { during, request, response } = exchange
      const place = `${at}: ${during}: ${request.method} ${request.url}`
      expect([place, reply.status]).toEqual([place, response.status])
      expect([place, told(reply.bytes.toString())]).toEqual([place, told(response.body)])
      const made = response.headers["location"]
      if (made?.endsWith(transcript.machine)) names.machine = reply.json.id
      if (made !== undefined) expect(reply.headers.location).toBe(renamed(made))
      for (const name of ["content-type", "api-version", "server", "x-query-limit"]) {
        expect([place, reply.headers[name]]).toEqual([place, response.headers[name]])
      }
    }
  })

  const told = (body: string) => (body === "" ? "" : shapeOf(JSON.parse(body)))

  async function again(
    mark: Tenant,
    { request, during }: Exchange,
    renamed: (t: string) => string,
  ) {
    const { method, headers } = request
    const [url, body] = [renamed(request.url), renamed(request.body)]
    const { date: _date, authorization = "", ...others } = headers
    const md5 = createHash("md5").update(body).digest("base64")
    const sent = {
      ...others,
      ...(body === "" ? {} : { "content-length": Buffer.byteLength(body) }),
      ...(others["content-md5"] === undefined ? {} : { "content-md5": md5 }),
    }
    const form = authorization.includes("(request-target)") ? "target" : "date"
    // What was awaited then is awaited now.
    if (method === "GET") await cloud.quiet()
    if (during === ofNobody) {
      const nobody = { ...mark, key: keyOf("nobody") }
      return mark.ask(url, { method, headers: { ...sent, ...strange(nobody, method, url) } })
    }
    const bytes = body === "" ? {} : { body }
    return mark.ask(url, { method, headers: sent, ...bytes, as: { form } })
  }
})

const strange = ({ login, key }: Tenant, method: string, path: string) =>
  signedHeaders(key, { keyId: `/${login}/keys/${key.fingerprint}`, method, path })

function md5Of(line: string): string {
  const blob = Buffer.from(line.split(" ")[1] ?? "", "base64")
  return createHash("md5").update(blob).digest("hex").match(/../g)?.join(":") ?? ""
}

const kept = (publicKey: string, at: number): SshKey => ({
  id: id(at + 1),
  accountId: id(2),
  userId: id(3),
  name: "k",
  fingerprint: md5Of(publicKey),
  publicKey,
  createdAt: 0,
})
