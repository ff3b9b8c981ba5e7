/** SSH keys: what CloudAPI's requests are signed with. */
import { createHash } from "node:crypto"
import type { Principal, SshKey } from "../domain/account.ts"
import { attempt, Refusal, type Result } from "../domain/fault.ts"
import { newId, type UserId } from "../domain/ids.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { IdentityTools } from "./accounts.ts"
import type { Asking, Identity } from "./core.ts"
import { recalled, remember } from "./repeats.ts"
import { mayChange, must } from "./visible.ts"

export function addKey(
  { ledger, clock }: IdentityTools,
  asking: Asking,
  { publicKey, name }: Parameters<Identity["addKey"]>[1],
): Promise<Result<SshKey>> {
  return attempt(async () => {
    const { who } = asking
    must(mayChange(who))
    const fingerprint = fingerprintOf(publicKey)
    return await ledger.transaction(async (rooms) => {
      const before = await recalled<SshKey>(rooms, asking)
      if (before !== undefined) return before
      const { accountId } = who
      const there = await rooms.keys.find({ accountId, fingerprint })
      if (there.length > 0)
        throw new Refusal({ kind: "name-taken", what: "key", name: fingerprint })
      const owner = await keyOwner(rooms, who)
      const key = {
        id: newId<"key">(clock()),
        accountId,
        userId: owner,
        name: name ?? fingerprint,
        fingerprint,
        publicKey: publicKey.trim(),
        createdAt: clock(),
      }
      await rooms.keys.add(key)
      await remember(rooms, asking, key, clock())
      return key
    })
  })
}

/** A key that the administrator adds for an account is its owner user's. */
async function keyOwner(rooms: Rooms, who: Principal): Promise<UserId> {
  const own = await rooms.users.get(who.userId)
  if (own?.accountId === who.accountId) return who.userId
  const [first] = await rooms.users.find({ accountId: who.accountId }, { limit: 1 })
  return first?.id ?? who.userId
}

const keyTypes = /^(ssh-rsa|ssh-ed25519|ssh-dss|ecdsa-sha2-nistp(256|384|521))$/

/** Colon-separated MD5 of the key's blob (RFC 4716, section 4). */
function fingerprintOf(publicKey: string): string {
  const [type = "", blob = ""] = publicKey.trim().split(/\s+/)
  const bytes = Buffer.from(blob, "base64")
  const inner = bytes.length > 4 ? bytes.subarray(4, 4 + bytes.readUInt32BE(0)).toString() : ""
  if (!keyTypes.test(type) || inner !== type || publicKey.length > 16_384) {
    const why = "not an OpenSSH public key (one line: type, base64 blob, comment)"
    throw new Refusal({ kind: "invalid", why, field: "publicKey" })
  }
  const digest = createHash("md5").update(bytes).digest("hex")
  return digest.match(/../g)?.join(":") ?? digest
}
