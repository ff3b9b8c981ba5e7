/** Public keys as `ssh-keygen` makes them, and things that only look like keys. */
import { generateKeyPairSync } from "node:crypto"
import sshpk from "sshpk"
import { describe, expect, test } from "vitest"
import { type Fault, Refusal } from "../domain/fault.ts"
import { isSha256Of, md5In, mustBeKey } from "./public-keys.ts"

const rsa1024 =
  "AAAAB3NzaC1yc2EAAAADAQABAAAAgQCfNdTXEmJbb5Pf8K2QNTJgYI9DiyGnwq/6jS24OIcSsAssXiJQwtudLNkSH9mm" +
  "wqVOD696CBCWQgADF9nEfmBDvzTORGL2LPmS1NvRISDgQdO5/ND0ArjYVa+qkISDe21OK+OUKkR2IgBTGEmpD5dExR/l" +
  "5tcsTAGJx0FkUDX6Aw=="
const ed25519 = "AAAAC3NzaC1lZDI1NTE5AAAAIBgZpwVuZePcA2e/t7J6u1g1rVa+MIIKK5rkuVJ/fYeP"
const p256 =
  "AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBB4+oZYaVSDgeCvRGpxHZfZIMPYwGidZe52GuBOD" +
  "Yr2ogzYdSIDRtuKnkSF3p2i6KpKYh2D6JiqkbgLIJYKQTrk="
const p521 =
  "AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAGOG18zOYqI+k1xPSeK6YdlmF7ZMGi7+t+d6NZA" +
  "7PseNe204zQUPlGuGyB5594+soMSJ1PEGqKDeH/DzupMx4ISrQG8d8gyeUDSLywkC+fLh2FIrqGoNWyuWKCu2td/tbL7" +
  "4fqK9uoKM9gguJ9X/ZxugFtvkRmxe1YMsKCST6VzM9JbLg=="

/** What `ssh-keygen -l` says of them, with `-E md5` and without. */
const known = [
  ["ssh-rsa", rsa1024, "58:0b:ed:06:7d:57:7b:d0:fe:77:36:06:6d:57:fd:8f"],
  ["ssh-ed25519", ed25519, "a3:0a:f1:82:6f:f4:24:50:88:ca:11:52:e4:74:0d:91"],
  ["ecdsa-sha2-nistp256", p256, "59:da:1a:70:1d:dc:c9:c3:f8:71:7e:e9:23:48:c7:93"],
  ["ecdsa-sha2-nistp521", p521, "ae:e4:39:43:62:c6:a7:6f:fa:59:2c:d2:4f:54:57:8c"],
] as const
const sha256 = "SHA256:geHhnIZ35mLqKTLqlRWe3/d2GZvPIlsYLS9YWxpCCP8"

describe("a key", () => {
  test.each(known)("%s is known by its fingerprint", (type, blob, fingerprint) => {
    const line = `${type} ${blob} me@here, with some more`
    expect(mustBeKey(` ${line}\n`)).toEqual({ publicKey: line, fingerprint })
    expect(mustBeKey(`${type} ${blob}`).fingerprint).toBe(fingerprint)
  })

  test("is recognised by what ssh-keygen prints", () => {
    const line = `ssh-ed25519 ${ed25519} me`
    expect(isSha256Of(sha256, line)).toBe(true)
    expect(isSha256Of(`${sha256}=`, line)).toBe(true)
    expect(isSha256Of(sha256.slice("SHA256:".length), line)).toBe(false)
    expect(isSha256Of("SHA256:", line)).toBe(false)
    expect(isSha256Of(sha256, `ssh-rsa ${rsa1024}`)).toBe(false)
    const [, , md5] = known[0]
    expect(md5In(md5)).toBe(md5)
    expect(md5In(`MD5:${md5.toUpperCase()}`)).toBe(md5)
    expect(md5In(md5.slice(3))).toBeUndefined()
  })
})

describe("what is no key", () => {
  const rsaOf = (modulusLength: number) => {
    const { publicKey } = generateKeyPairSync("rsa", { modulusLength })
    const pem = publicKey.export({ type: "spki", format: "pem" })
    return sshpk.parseKey(pem, "pem").toString("ssh")
  }
  const bytes = Buffer.from(ed25519, "base64")
  const withPoint = Buffer.from(p256, "base64")
  withPoint.writeUInt8(withPoint.readUInt8(withPoint.length - 1) ^ 1, withPoint.length - 1)

  test.each([
    ["nothing", ""],
    ["a type alone", "ssh-rsa"],
    ["a type and no blob", "ssh-rsa AAAA"],
    ["another type than the blob's", `ssh-rsa ${ed25519}`],
    ["a type nobody knows", `ssh-x ${ed25519}`],
    ["options before it", `no-pty ssh-ed25519 ${ed25519}`],
    ["two of them", `ssh-ed25519 ${ed25519}\nssh-ed25519 ${ed25519}`],
    ["one cut short", `ssh-ed25519 ${bytes.subarray(0, -1).toString("base64")}`],
    ["one with something behind it", `ssh-ed25519 ${bytes.toString("base64url")}AAAA`],
    ["an RSA key cut short", `ssh-rsa ${rsa1024.slice(0, 60)}`],
    ["a point on no curve", `ecdsa-sha2-nistp256 ${withPoint.toString("base64")}`],
    ["a very long comment", `ssh-ed25519 ${ed25519} ${"x".repeat(17_000)}`],
  ])("%s", (_, text) => {
    expect(faultOf(text)).toMatchObject({
      kind: "invalid",
      field: "publicKey",
      why: expect.stringContaining("one line"),
    })
  })

  test("an RSA key that is broken in an afternoon", () => {
    expect(faultOf(rsaOf(1016))).toMatchObject({
      kind: "invalid",
      why: expect.stringContaining("this has 1016"),
    })
    expect(mustBeKey(rsaOf(1024)).publicKey).toMatch(/^ssh-rsa /)
  })
})

function faultOf(text: string): Record<string, unknown> | undefined {
  try {
    mustBeKey(text)
    return undefined
  } catch (cause) {
    return cause instanceof Refusal ? (cause.fault as Fault) : undefined
  }
}
