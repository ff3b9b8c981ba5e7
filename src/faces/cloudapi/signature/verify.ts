/**
 * Whether a claim is true. A claim in the name of nobody, or of a key of another kind, is checked
 * against a key that nobody has, so that the time it takes tells nothing.
 */
import { createPublicKey, type KeyObject, verify } from "node:crypto"
import sshpk from "sshpk"
import type { SshKey } from "../../../domain/account.ts"
import type { Algorithm, Family } from "./algorithms.ts"
import type { Claim } from "./claim.ts"

export type Verifier = (claim: Claim, key: SshKey | undefined) => boolean

const mostKnown = 1000

export function openVerifier(): Verifier {
  /** Parsed once; a key that is taken away and given again has another id. */
  const known = new Map<string, KeyObject>()
  const parsed = (key: SshKey): KeyObject | undefined => {
    const found = known.get(key.id) ?? parse(key.publicKey)
    if (found === undefined || known.has(key.id)) return found
    const [oldest] = known.keys()
    if (known.size >= mostKnown && oldest !== undefined) known.delete(oldest)
    known.set(key.id, found)
    return found
  }
  return (claim, key) => {
    const real = key === undefined ? undefined : parsed(key)
    const fits = real?.asymmetricKeyType === keyTypes[claim.algorithm.family]
    const right = check(claim, fits && real !== undefined ? real : nobodys(claim.algorithm))
    return right && fits
  }
}

const keyTypes: Record<Family, string> = { rsa: "rsa", dsa: "dsa", ecdsa: "ec", ed25519: "ed25519" }

function check({ algorithm, signed, signature }: Claim, key: KeyObject): boolean {
  try {
    return verify(algorithm.hash, Buffer.from(signed), key, signature)
  } catch {
    // OpenSSL throws at some signatures that are none.
    return false
  }
}

function parse(publicKey: string): KeyObject | undefined {
  try {
    return createPublicKey(sshpk.parseKey(publicKey, "ssh").toString("pkcs8"))
  } catch {
    return undefined
  }
}

/** Nobody has the other halves of these. DSA is so rare that the key of RSA stands in for it. */
const nobodysTexts: Record<Exclude<Family, "dsa">, string> = {
  rsa:
    "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC5Kl9Jn/AF5/WAywCCjfKwIBtN1AXJ0AFaBa3eI4osSMBW" +
    "vlJAXv5vN2JmoY4KsCLFnhXXItSuXXknOPS7kUOCtIym1dGkrnoYz/qsMNP8aWTJbbb76hl3tUO7GJOTQt8Q" +
    "QT1PUWgdPGWib/TBLRrlld/q0ucKpvgjUAo1j8s2gcHiYKkC1oouqcio3OviPM0FisULQXv5GNnSZrWUz9eG" +
    "cbbhrJHIdffIzYn9tv2+efbC/NVm6VR1CdG1tFXbt7Os8rmir3gjNeVWl5Vgix46hlNz+bKdRYDTI+2yuSpx" +
    "n9No2fyG68kshfXEspDuQjvbql7bSebF/X5PTMyVeXcj",
  ecdsa:
    "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBNpRYSzDmcal" +
    "U1GLtSBQdsODb/huhe+QJM2p8t45Gd0j6tjKcT5lkBmf/OddRJXFiCOCIYozqerVMAbrVrm2Nu8=",
  ed25519: "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJ5thR8RW+UH+/RPcdLtus+Ti3dVBsphAESNJcMbuBej",
}
const nobodysKeys = new Map<Family, KeyObject>()

function nobodys({ family }: Algorithm): KeyObject {
  const kind = family === "dsa" ? "rsa" : family
  const key = nobodysKeys.get(kind) ?? parse(nobodysTexts[kind])
  if (key === undefined) throw new Error(`the ${kind} key of nobody is broken`)
  nobodysKeys.set(kind, key)
  return key
}
