/** SSH keys: what CloudAPI's requests are signed with. */
import { isOwner, type Principal, type SshKey, type UserRow } from "../domain/account.ts"
import { attempt, Refusal, type Result } from "../domain/fault.ts"
import { type AccountId, newId } from "../domain/ids.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { accountBy, type IdentityTools } from "./accounts.ts"
import type { Asking, Identity } from "./core.ts"
import { mustBeName } from "./names.ts"
import { isWithin, mustBeInPerson, principalOf } from "./principals.ts"
import { isSha256Of, md5In, mustBeKey } from "./public-keys.ts"
import { recalled, remember } from "./repeats.ts"
import { mayChange, must } from "./visible.ts"

type Verbs = "addKey" | "listKeys" | "removeKey" | "signer"

const mostKeys = 100

export const openKeys = (tools: IdentityTools): Pick<Identity, Verbs> => ({
  addKey: (asking, wish) => addKey(tools, asking, wish),
  listKeys: ({ accountId }) =>
    attempt(async () => await tools.ledger.read.keys.find({ accountId })),
  removeKey: (asking, ref) => removeKey(tools, asking, ref),
  signer: (ref) => signer(tools.ledger.read, ref),
})

function addKey(
  { ledger, clock }: IdentityTools,
  asking: Asking,
  { publicKey: text, name: given, user }: Parameters<Identity["addKey"]>[1],
): Promise<Result<SshKey>> {
  return attempt(async () => {
    const { who } = asking
    must(mayChange(who))
    mustBeInPerson(who)
    const { publicKey, fingerprint } = mustBeKey(text)
    const name = given ?? fingerprint
    mustBeKeyName(name, fingerprint)
    return await ledger.transaction(async (rooms) => {
      const before = await recalled<SshKey>(rooms, asking)
      if (before !== undefined) return before
      const { accountId } = who
      await mustBeOneMore(rooms, accountId, { name, fingerprint })
      const { id: userId } = await keyOwner(rooms, who, user)
      const id = newId<"key">(clock())
      const key = { id, accountId, userId, name, fingerprint, publicKey, createdAt: clock() }
      await rooms.keys.add(key)
      await remember(rooms, asking, key, clock())
      return key
    })
  })
}

/** A key called by another's fingerprint would be taken for it. */
function mustBeKeyName(name: string, fingerprint: string): void {
  mustBeName(name, { pattern: /./, what: "a name has at least one character" })
  if (name === fingerprint || (md5In(name) === undefined && !name.startsWith("SHA256:"))) return
  const why = "a key is not named like the fingerprint of another"
  throw new Refusal({ kind: "invalid", why, field: "name" })
}

async function mustBeOneMore(
  rooms: Rooms,
  accountId: AccountId,
  wish: { name: string; fingerprint: string },
): Promise<void> {
  for (const [field, value] of Object.entries(wish)) {
    if ((await rooms.keys.count({ accountId, [field]: value })) === 0) continue
    throw new Refusal({ kind: "name-taken", what: "key", name: value })
  }
  const used = await rooms.keys.count({ accountId })
  if (used < mostKeys) return
  throw new Refusal({ kind: "quota", what: "keys of one account", limit: mostKeys, used })
}

/** What the administrator adds for an account without saying whose it is, is its owner's. */
async function keyOwner(rooms: Rooms, who: Principal, ref?: string): Promise<UserRow> {
  const own = await rooms.users.get(who.userId)
  const isMine = own?.accountId === who.accountId
  const account = await rooms.accounts.get(who.accountId)
  const wanted = ref ?? (isMine ? own.name : (account?.login ?? nobody))
  const owner = await userBy(rooms.users, wanted)
  if (owner?.accountId !== who.accountId) {
    throw new Refusal({ kind: "not-found", what: "user", id: wanted })
  }
  await mustHandleKeysOf(rooms, who, owner)
  // Its signatures have the user's whole role: who acts with less must not add one.
  if (isWithin(owner.role, who.role)) return owner
  throw new Refusal({ kind: "forbidden", why: "a key would have more of a role than you have" })
}

/** Whoever adds a key to another can act as the other: that is for the account's owner. */
async function mustHandleKeysOf(
  rooms: Pick<Rooms, "users" | "accounts">,
  who: Principal,
  owner: Pick<UserRow, "id">,
): Promise<void> {
  if (who.userId === owner.id || who.role === "admin") return
  const own = await rooms.users.get(who.userId)
  const account = await rooms.accounts.get(who.accountId)
  if (own !== undefined && account !== undefined && isOwner(own, account)) return
  const why = "keys of other users are the business of the account's owner"
  throw new Refusal({ kind: "forbidden", why })
}

async function userBy(
  users: Pick<Rooms["users"], "find" | "get">,
  ref: string,
): Promise<UserRow | undefined> {
  const [named] = await users.find({ name: ref }, { limit: 1 })
  const found = await users.get(ref)
  return named ?? found
}

function removeKey(
  { ledger, clock }: IdentityTools,
  asking: Asking,
  ref: string,
): Promise<Result<null>> {
  return attempt(async () => {
    const { who } = asking
    must(mayChange(who))
    mustBeInPerson(who)
    return await ledger.transaction(async (rooms) => {
      const before = await recalled<null>(rooms, asking)
      if (before !== undefined) return null
      const [key] = await keysBy(rooms.keys, who.accountId, ref)
      if (key === undefined) throw new Refusal({ kind: "not-found", what: "key", id: ref })
      await mustHandleKeysOf(rooms, who, { id: key.userId })
      await rooms.keys.remove(key.id)
      await remember(rooms, asking, null, clock())
      return null
    })
  })
}

/** One fingerprint is one key; of a name, accounts from before names were unique have more. */
async function keysBy(
  keys: Pick<Rooms["keys"], "find">,
  accountId: AccountId,
  ref: string,
): Promise<SshKey[]> {
  const all = await keys.find({ accountId })
  const fingerprint = md5In(ref)
  const alike = all.filter((key) => key.fingerprint === fingerprint)
  if (alike.length > 0) return alike
  return all.filter((key) => key.name === ref || isSha256Of(ref, key.publicKey))
}

type Reading = IdentityTools["ledger"]["read"]
const nobody = "00000000-0000-0000-0000-000000000000"

/** Whether there is such an account, user or key: every question is asked all the same. */
async function signer(
  read: Reading,
  { account: accountRef, user: userName, key: keyRef }: Parameters<Identity["signer"]>[0],
): ReturnType<Identity["signer"]> {
  const account = await accountBy(read.accounts, accountRef)
  const named = await userBy(read.users, userName ?? nobody)
  const keys = await keysBy(read.keys, account?.id ?? (nobody as AccountId), keyRef)
  const key = keys.find(({ userId }) => userName === undefined || userId === named?.id)
  const user = await read.users.get(key?.userId ?? nobody)
  const who = user && principalOf(user)
  if (key === undefined || who === undefined || who.accountId !== account?.id) return undefined
  return { key, who: { ...who, everywhere: false } }
}
