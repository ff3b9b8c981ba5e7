/** Credentials for programs: a secret of their own, perhaps less of a role, perhaps an end. */
import type { AppCredential, AppCredentialRow, Principal } from "../domain/account.ts"
import { attempt, Refusal, type Result } from "../domain/fault.ts"
import { newId, parseId } from "../domain/ids.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { ProvingTools } from "./accounts.ts"
import type { Asking, Identity } from "./core.ts"
import { mustBeName } from "./names.ts"
import { isWithin, mostToHandOn, mustBeInPerson, principalOf, stranger } from "./principals.ts"
import { recalled, remember } from "./repeats.ts"
import { mustBeSecret, newSecret, withoutHash } from "./secrets.ts"
import { mayChange, must } from "./visible.ts"

type Verbs = "byAppCredential" | "addAppCredential" | "listAppCredentials" | "removeAppCredential"
type Ref = Parameters<Identity["byAppCredential"]>[0]
type Wish = Parameters<Identity["addAppCredential"]>[1]
type Made = { credential: AppCredential; secret: string | null }

const mostCredentials = 100
const longestDescription = 4096

export const openAppCredentials = (tools: ProvingTools): Pick<Identity, Verbs> => ({
  byAppCredential: (ref, secret) => attempt(() => proven(tools, ref, secret)),
  addAppCredential: (asking, wish) => add(tools, asking, wish),

  listAppCredentials: ({ userId }) =>
    attempt(async () => {
      const rows = await tools.ledger.read.appCredentials.find({ userId })
      return rows.map(withoutHash)
    }),

  removeAppCredential: (asking, id) =>
    attempt(async () => {
      const { userId } = asking.who
      must(mayChange(asking.who))
      mustBeInPerson(asking.who)
      return await tools.ledger.transaction(async (rooms) => {
        const before = await recalled<null>(rooms, asking)
        if (before !== undefined) return null
        const there = await rooms.appCredentials.get(id)
        if (there === undefined || there.userId !== userId) {
          throw new Refusal({ kind: "not-found", what: "app-credential", id })
        }
        await rooms.appCredentials.remove(id)
        await remember(rooms, asking, null, tools.clock())
        return null
      })
    }),
})

async function proven(
  { ledger, clock, proofs }: ProvingTools,
  ref: Ref,
  secret: string,
): Promise<Principal> {
  const credential = await referredTo(ledger.read, ref)
  const claim = JSON.stringify(["app-credential", ref])
  const right = await proofs.isRight(claim, secret, credential?.secretHash ?? null)
  if (credential === undefined || !right) throw new Refusal(stranger)
  const { expiresAt, userId } = credential
  const user = await ledger.read.users.get(userId)
  const who = user && principalOf(user, { ...credential, credentialId: credential.id })
  if (who === undefined || (expiresAt !== null && expiresAt <= clock())) {
    throw new Refusal(stranger)
  }
  return who
}

type Reading = ProvingTools["ledger"]["read"]

async function referredTo(read: Reading, ref: Ref): Promise<AppCredentialRow | undefined> {
  if ("id" in ref) {
    const id = parseId(withDashes(ref.id))
    return id && (await read.appCredentials.get(id))
  }
  const [user] = await read.users.find({ name: ref.userName }, { limit: 1 })
  if (user === undefined) return undefined
  const same = { userId: user.id, name: ref.name }
  const [credential] = await read.appCredentials.find(same, { limit: 1 })
  return credential
}

/** Ids of OpenStack are UUIDs without dashes. */
const withDashes = (id: string): string =>
  /^[0-9a-f]{32}$/i.test(id) ? id.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-") : id

function add(
  { ledger, clock, proofs }: ProvingTools,
  asking: Asking,
  wish: Wish,
): Promise<Result<Made>> {
  const { who } = asking
  return attempt(async () => {
    must(mayChange(who))
    mustBeInPerson(who)
    const { name, description = "", secret = newSecret(), role = mostToHandOn(who) } = wish
    mustBeCredential({ ...wish, secret, description }, clock())
    if (!isWithin(role, mostToHandOn(who))) {
      throw new Refusal({ kind: "forbidden", why: `the role ${role} is more than your own` })
    }
    const secretHash = await proofs.hash(secret)
    return await ledger.transaction(async (rooms) => {
      const before = await recalled<Made>(rooms, asking)
      if (before !== undefined) return before
      const { userId, accountId } = who
      await mustBeOneMore(rooms, who, name)
      const credential = {
        ...{ id: newId<"app-credential">(clock()), userId, accountId, name, description, role },
        ...{ expiresAt: wish.expiresAt ?? null, createdAt: clock() },
      }
      await rooms.appCredentials.add({ ...credential, secretHash })
      await remember(rooms, asking, { credential, secret: null }, clock())
      return { credential, secret }
    })
  })
}

function mustBeCredential(
  wish: { name: string; description: string; secret: string; expiresAt?: number },
  nowMs: number,
): void {
  const { name, description, secret, expiresAt } = wish
  mustBeName(name, { pattern: /./, what: "a name has at least one character" })
  mustBeSecret(secret, "secret")
  if (secret === "") refuse("a secret has at least one character", "secret")
  if (description.length > longestDescription) {
    refuse(`a description has at most ${longestDescription} characters`, "description")
  }
  if (expiresAt === undefined) return
  if (!Number.isSafeInteger(expiresAt)) refuse("a time in epoch milliseconds", "expiresAt")
  if (expiresAt <= nowMs) refuse("this time is over already", "expiresAt")
}

function refuse(why: string, field: string): never {
  throw new Refusal({ kind: "invalid", why, field })
}

async function mustBeOneMore(rooms: Rooms, { userId }: Principal, name: string): Promise<void> {
  if ((await rooms.appCredentials.count({ userId, name })) > 0) {
    throw new Refusal({ kind: "name-taken", what: "app-credential", name })
  }
  const used = await rooms.appCredentials.count({ userId })
  if (used < mostCredentials) return
  const what = "app credentials of one user"
  throw new Refusal({ kind: "quota", what, limit: mostCredentials, used })
}
