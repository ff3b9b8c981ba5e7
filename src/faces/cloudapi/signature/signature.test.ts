/** What is a true claim of a request, and what is none. */
import httpSignature from "http-signature"
import { describe, expect, test } from "vitest"
import {
  type KeyKind,
  newKey,
  pemOf,
  signatureOf,
  signedHeaders,
  type TestKey,
} from "../../../../test/fixtures/ssh-keys.ts"
import type { SshKey } from "../../../domain/account.ts"
import { newId } from "../../../domain/ids.ts"
import { authorizationOf } from "./authorization.ts"
import type { Signing } from "./claim.ts"
import { presignedOf } from "./presigned.ts"
import { openVerifier } from "./verify.ts"

const kinds: KeyKind[] = ["rsa", "dsa", "ecdsa", "ecdsa384", "ecdsa521", "ed25519"]
const keys = Object.fromEntries(kinds.map((kind) => [kind, newKey(kind)])) as Record<
  KeyKind,
  TestKey
>
const keyId = "/mark/keys/aa:bb"
const kept = (key: TestKey): SshKey => ({
  id: newId<"key">(),
  accountId: newId<"account">(),
  userId: newId<"user">(),
  name: "k",
  fingerprint: key.fingerprint,
  publicKey: key.publicKey,
  createdAt: 0,
})
const isTrue = openVerifier()

const path = "/my/machines?limit=10"
const request = (headers: Record<string, string>, more: Partial<Signing> = {}): Signing => ({
  method: "GET",
  urlAsSent: path,
  headers: { host: "here:8401", ...headers },
  query: {},
  ...more,
})

/** `true`, `false`, or why it is no claim at all. */
function verdict(asked: Signing, key: TestKey | undefined, read = authorizationOf) {
  const claim = read(asked)
  if (!claim.ok) return claim.fault.kind === "invalid" ? claim.fault.why : claim.fault.kind
  if (claim.value === null) return "none"
  return isTrue(claim.value, key === undefined ? undefined : kept(key))
}

const algorithms: [KeyKind, string][] = [
  ["rsa", "rsa-sha1"],
  ["rsa", "rsa-sha256"],
  ["rsa", "rsa-sha384"],
  ["rsa", "rsa-sha512"],
  ["rsa", "RSA-SHA256"],
  ["dsa", "dsa-sha1"],
  ["dsa", "dsa-sha256"],
  ["ecdsa", "ecdsa-sha256"],
  ["ecdsa384", "ecdsa-sha384"],
  ["ecdsa521", "ecdsa-sha512"],
  ["ed25519", "ed25519-sha512"],
]
const lower = (kind: KeyKind, algorithm: string) => ({
  signature: (text: string) => signatureOf(keys[kind], text, algorithm.toLowerCase()),
})

describe.each(algorithms)("with a key of %s, signing with %s", (kind, algorithm) => {
  const key = keys[kind]
  test.each(["target", "date", "old"] as const)("in the form %s", (form) => {
    const how = { keyId, method: "GET", path, form, algorithm: algorithm.toLowerCase() }
    const headers = signedHeaders(key, how)
    expect(verdict(request(headers), key)).toBe(true)
    const other = newKey(kind)
    expect(verdict(request(headers), other)).toBe(false)
    expect(verdict(request(headers), undefined)).toBe(false)
    const later = new Date(Date.now() + 1000).toUTCString()
    expect(verdict(request({ ...headers, date: later }), key)).toBe(false)
  })

  test("the algorithm may be written in any case", () => {
    const date = new Date().toUTCString()
    const signature = lower(kind, algorithm).signature(`date: ${date}`)
    const authorization = `Signature keyId="${keyId}",algorithm="${algorithm}",headers="date",signature="${signature}"`
    expect(verdict(request({ date, authorization }), key)).toBe(true)
  })
})

test.each(["rsa", "ecdsa", "ed25519"] as const)(
  "what the library of the clients signs with %s is true",
  (kind) => {
    const headers: Record<string, string> = {}
    const sent = {
      getHeader: (name: string) => headers[name.toLowerCase()],
      setHeader: (name: string, value: string) => {
        headers[name.toLowerCase()] = value
      },
      method: "GET",
      path,
    }
    httpSignature.sign(sent as never, {
      key: pemOf(keys[kind]),
      keyId,
      headers: ["(request-target)", "date"],
    })
    expect(verdict(request(headers), keys[kind])).toBe(true)
  },
)

describe("what was signed is what was sent", () => {
  const key = keys.ed25519
  const headers = signedHeaders(key, { keyId, method: "GET", path })

  test.each<[string, Partial<Signing>]>([
    ["another method", { method: "DELETE" }],
    ["another path", { urlAsSent: "/my/machines/x?limit=10" }],
    ["another query", { urlAsSent: "/my/machines?limit=11" }],
    ["a path written otherwise", { urlAsSent: "//my/machines?limit=10" }],
  ])("%s is not", (_words, more) => {
    expect(verdict(request(headers, more), key)).toBe(false)
  })

  test("a bit of the signature more or less is seen", () => {
    const [start = "", signature = ""] = headers["authorization"]?.split(',signature="') ?? []
    const bytes = Buffer.from(signature, "base64")
    bytes[5] = (bytes[5] ?? 0) ^ 1
    const authorization = `${start},signature="${bytes.toString("base64")}"`
    expect(verdict(request({ ...headers, authorization }), key)).toBe(false)
    const none = `${start},signature="AAAA"`
    expect(verdict(request({ ...headers, authorization: none }), key)).toBe(false)
  })

  test("a signature of another family is none of this key's", () => {
    const claimed = headers["authorization"]?.replace("ed25519-sha512", "rsa-sha256") ?? ""
    expect(verdict(request({ ...headers, authorization: claimed }), key)).toBe(false)
    expect(verdict(request({ ...headers, authorization: claimed }), keys.rsa)).toBe(false)
  })

  test("a stored key that is none verifies nothing", () => {
    const claim = authorizationOf(request(headers))
    if (!claim.ok || claim.value === null) throw new Error("no claim")
    expect(isTrue(claim.value, { ...kept(key), publicKey: "ssh-ed25519 AAAA" })).toBe(false)
  })
})

describe("when it was signed", () => {
  const key = keys.ed25519
  const at = (seconds: number) => new Date(Date.now() + seconds * 1000).toUTCString()
  const signedAt = (date: string) =>
    verdict(request(signedHeaders(key, { keyId, path, date })), key)

  test.each([0, -290, 290])("%d seconds off is fine", (seconds) => {
    expect(signedAt(at(seconds))).toBe(true)
  })
  test.each([-302, 302, -86_400])("%d seconds off is too much", (seconds) => {
    expect(signedAt(at(seconds))).toMatch(/^Authorization header invalid: clock skew of .*300s$/)
  })
  test("a date that is none would be good for ever", () => {
    expect(signedAt("some day")).toBe("Authorization header invalid: date is not a date")
  })
  test("without a date among what is signed it would be, too", () => {
    const signature = signatureOf(key, "host: here:8401")
    const authorization = `Signature keyId="${keyId}",algorithm="ed25519-sha512",headers="host",signature="${signature}"`
    expect(verdict(request({ date: at(0), authorization }), key)).toMatch(/date was not a signed/)
  })
  test("x-date stands for a Date that the client may not set", () => {
    const when = at(0)
    const signature = signatureOf(key, `x-date: ${when}`)
    const start = `Signature keyId="${keyId}",algorithm="ed25519-sha512"`
    const authorization = `${start},signature="${signature}"`
    const both = { date: at(-9999), "x-date": when, authorization }
    expect(verdict(request(both), key)).toBe(true)
    expect(verdict(request({ ...both, "x-date": at(-400) }), key)).toMatch(/clock skew/)
  })
})

describe("headers that are none", () => {
  const good = signedHeaders(keys.ed25519, { keyId, path })
  const start = `keyId="${keyId}",algorithm="ed25519-sha512"`

  test.each([["Basic bWFyazpzZWNyZXQ="], ["Bearer abc"], [""], ["Signatures x"]])(
    "%j is of another scheme",
    (authorization) => {
      expect(verdict(request({ ...good, authorization }), undefined)).toBe("none")
    },
  )
  test.each<[string, RegExp]>([
    ["Signature nonsense", /bad param format/],
    [`Signature keyId="a`, /bad param format/],
    [`Signature ${start},keyId="b",signature="AAAA"`, /bad param format/],
    [`Signature ${start},signature="AAAA" AAAA`, /bad param format/],
    [`Signature algorithm="rsa-sha256",signature="AAAA"`, /keyId was not specified/],
    [`Signature keyId="a",signature="AAAA"`, /algorithm was not specified/],
    [
      `Signature keyId="a",algorithm="hmac-sha256",signature="AAAA"`,
      /hmac-sha256 is not supported/,
    ],
    [`Signature keyId="a",algorithm="rsa-md5",signature="AAAA"`, /rsa-md5 is not supported/],
    [`Signature keyId="a",algorithm="constructor",signature="AAAA"`, /is not supported/],
    [`Signature ${start}`, /signature was not specified/],
    [`Signature ${start},headers="date digest",signature="AAAA"`, /digest was not in the request/],
    [`Signature ${start},headers="date constructor",signature="AAAA"`, /constructor was not in/],
    [`Signature ${start},headers=5,signature="AAAA"`, /5 was not in the request/],
  ])("%s", (authorization, why) => {
    expect(verdict(request({ ...good, authorization }), undefined)).toMatch(why)
  })

  test("a header as long as it may be is refused at once", () => {
    for (const filling of [" ", ",", '"', "a=", ", ", "=,"]) {
      const authorization = `Signature ${filling.repeat(8000)}`
      expect(verdict(request({ ...good, authorization }), undefined)).not.toBe(true)
    }
  })

  test("the oldest form leaves the quotes of its keyId out", () => {
    const key = keys.rsa
    const date = new Date().toUTCString()
    const signature = signatureOf(key, date)
    const authorization = `Signature keyId=${keyId},algorithm="rsa-sha256" ${signature}`
    expect(verdict(request({ date, authorization }), key)).toBe(true)
  })
})

describe("the oldest form", () => {
  const key = keys.ed25519
  const date = new Date().toUTCString()
  const claim = (headers: string, signature: string) =>
    `Signature keyId="${keyId}",algorithm="ed25519-sha512",headers="${headers}" ${signature}`

  test("has room for the date alone, by either name", () => {
    for (const name of ["date", "x-date"]) {
      const authorization = claim(name, signatureOf(key, date))
      expect(verdict(request({ [name]: date, authorization }), key)).toBe(true)
    }
    const authorization = claim("host", signatureOf(key, "here:8401"))
    expect(verdict(request({ authorization }), key)).toMatch(/the date alone/)
  })

  test("does not put the text of another request's signature together again", () => {
    const signed = signedHeaders(key, { keyId, method: "GET", path: "/my/keys", date })
    const [, signature = ""] = /signature="([^"]*)"/.exec(signed["authorization"] ?? "") ?? []
    const lines = { "x-any": "(request-target): get /my/keys", "x-date": `date: ${date}` }
    const authorization = claim("x-any x-date", signature)
    const asked = request({ ...lines, authorization }, { method: "DELETE" })
    expect(verdict(asked, key)).toMatch(/the date alone/)
  })
})

describe("a URL that carries its signature", () => {
  const key = keys.ecdsa
  const soon = `${Math.floor(Date.now() / 1000) + 60}`
  const query = { expires: soon, keyId, algorithm: "ECDSA-SHA256", limit: "10", odd: "it's (*)!" }

  function presigned(asked: Record<string, string>, methods = "GET", pathname = "/my/machines") {
    const escaped = (text: string) =>
      encodeURIComponent(text).replace(
        /[!'()*]/g,
        (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`,
      )
    const sorted = Object.keys(asked).sort((a, b) => a.localeCompare(b))
    const text = sorted.map((name) => `${escaped(name)}=${escaped(asked[name] ?? "")}`).join("&")
    const signed = `${methods}\nhere:8401\n${pathname}\n${text}`
    return { ...asked, signature: signatureOf(key, signed, "ecdsa-sha256") }
  }
  const asked = (given: Record<string, string | string[]>, more: Partial<Signing> = {}) =>
    verdict(request({}, { query: given, ...more }), key, presignedOf)

  test("is good for its method and path", () => {
    expect(asked(presigned(query))).toBe(true)
    const both = { ...query, method: "GET,HEAD" }
    expect(asked(presigned(both, "GET,HEAD"))).toBe(true)
    expect(asked(presigned(both, "GET,HEAD"), { method: "HEAD" })).toBe(true)
  })
  test("and for nothing else", () => {
    const good = presigned(query)
    expect(asked(good, { method: "DELETE" })).toBe(false)
    expect(asked(good, { urlAsSent: "/my/keys?x" })).toBe(false)
    expect(asked({ ...good, limit: "11" })).toBe(false)
    expect(asked({ ...good, expires: `${Number(soon) + 1}` })).toBe(false)
    expect(asked({ ...good, method: "POST" })).toBe("GET was not a signed method")
    expect(asked(good, { headers: { host: "there" } })).toBe(false)
  })
  test("expires, and has all its parts", () => {
    expect(asked(presigned({ ...query, expires: "1" }))).toBe("request expired")
    expect(asked(presigned({ ...query, expires: "soon" }))).toBe("expires is invalid")
    expect(asked({ keyId })).toBe('parameters "algorithm, expires, signature" are required')
    expect(asked({ ...presigned(query), limit: ["1", "2"] })).toBe("a parameter is there twice")
    expect(asked({ ...presigned(query), algorithm: "none" })).toMatch(/not a supported/)
    expect(asked({ limit: "3" })).toBe("none")
  })
})
