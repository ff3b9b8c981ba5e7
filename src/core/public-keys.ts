/** SSH public keys as text: whether they are any, and what they are recognised by. */
import { createHash, createPublicKey } from "node:crypto"
import sshpk from "sshpk"
import { Refusal } from "../domain/fault.ts"

const keyTypes = /^(ssh-rsa|ssh-ed25519|ssh-dss|ecdsa-sha2-nistp(256|384|521))$/
const longestText = 16_384
const rsaBits = { atLeast: 1024, atMost: 16_384 }

/**
 * The one line, trimmed, and the colon-separated MD5 of the key's blob (RFC 4716, section 4).
 * What does not parse to its last byte, or what OpenSSL cannot use, is `invalid`.
 */
export function mustBeKey(text: string): { publicKey: string; fingerprint: string } {
  const publicKey = text.trim()
  const [type = "", encoded = ""] = publicKey.split(/\s+/)
  const oneLine = publicKey.length <= longestText && !/[\r\n\0]/.test(publicKey)
  const key = oneLine && keyTypes.test(type) ? parsed(`${type} ${encoded}`) : undefined
  if (key === undefined || !key.toBuffer("rfc4253").equals(Buffer.from(encoded, "base64"))) {
    refuse("not an OpenSSH public key (one line: type, base64 blob, comment)")
  }
  if (key.type === "rsa" && (key.size < rsaBits.atLeast || key.size > rsaBits.atMost)) {
    refuse(`an RSA key has ${rsaBits.atLeast} to ${rsaBits.atMost} bits; this has ${key.size}`)
  }
  return { publicKey, fingerprint: md5Of(key.toBuffer("rfc4253")) }
}

function parsed(text: string): sshpk.Key | undefined {
  try {
    const key = sshpk.parseKey(text, "ssh")
    // The parser knows the structure only: whether a point is on its curve, OpenSSL knows.
    createPublicKey(key.toString("pkcs8"))
    return key
  } catch {
    return undefined
  }
}

function refuse(why: string): never {
  throw new Refusal({ kind: "invalid", why, field: "publicKey" })
}

function md5Of(blob: Buffer): string {
  const digest = createHash("md5").update(blob).digest("hex")
  return digest.match(/../g)?.join(":") ?? digest
}

const md5 = /^(?:MD5:)?([0-9a-f]{2}(?::[0-9a-f]{2}){15})$/i
const sha256 = /^SHA256:([A-Za-z0-9+/]{43})=?$/

/** MD5 as keys are kept with, where `ref` is one, with or without `MD5:` before it. */
export const md5In = (ref: string): string | undefined => md5.exec(ref)?.[1]?.toLowerCase()

/** Whether `ref` is what `ssh-keygen -l` prints for this key: `SHA256:` and base64. */
export function isSha256Of(ref: string, publicKey: string): boolean {
  const wanted = sha256.exec(ref)?.[1]
  if (wanted === undefined) return false
  const blob = Buffer.from(publicKey.split(/\s+/)[1] ?? "", "base64")
  return createHash("sha256").update(blob).digest("base64").startsWith(wanted)
}
