/** Accounts, users, and the credentials they are given. */
import { randomBytes } from "node:crypto"
import type { Account, Role, User, UserRow } from "../domain/account.ts"
import { attempt, Refusal, type Result } from "../domain/fault.ts"
import { type AccountId, newId } from "../domain/ids.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { Context } from "./context.ts"
import type { Asking, Credentials, Identity } from "./core.ts"
import { mustBeInPerson } from "./principals.ts"
import type { Proofs } from "./proofs.ts"
import { recalled, remember } from "./repeats.ts"
import { hashToken, mustBeSecret, newSecret } from "./secrets.ts"
import { addToken } from "./tokens.ts"
import { mayRun, must } from "./visible.ts"

export type IdentityTools = Pick<Context, "ledger" | "clock">
export type ProvingTools = IdentityTools & { proofs: Proofs }
type AccountWish = Parameters<Identity["createAccount"]>[1]
type UserWish = Parameters<Identity["createUser"]>[1]

const firstAccountNumber = 100_001

export function createAccount(
  { ledger, clock, proofs }: ProvingTools,
  asking: Asking,
  { login, password = newSecret(), apiKey = newSecret() }: AccountWish,
): Promise<Result<Credentials>> {
  return attempt(async () => {
    must(mayRun(asking.who))
    mustBeInPerson(asking.who)
    mustBeLogin(login, "login")
    const hashes = await hashed(proofs, { password, apiKey })
    return await ledger.transaction(async (rooms) => {
      const before = await recalled<Credentials>(rooms, asking)
      if (before !== undefined) return before
      await mustBeNew(rooms, login)
      const account = await addAccount(rooms, login, clock())
      const user = await addUser(rooms, {
        account,
        name: login,
        role: "member",
        ...hashes,
        clock,
      })
      return await credentials(rooms, asking, { account, user, password, apiKey, clock })
    })
  })
}

export function createUser(
  { ledger, clock, proofs }: ProvingTools,
  asking: Asking,
  { name, account: ref, password = newSecret(), role = "member" }: UserWish,
): Promise<Result<Credentials>> {
  return attempt(async () => {
    must(mayRun(asking.who))
    mustBeInPerson(asking.who)
    mustBeLogin(name, "name")
    const apiKey = newSecret()
    const hashes = await hashed(proofs, { password, apiKey })
    return await ledger.transaction(async (rooms) => {
      const before = await recalled<Credentials>(rooms, asking)
      if (before !== undefined) return before
      const account = await accountBy(rooms.accounts, ref)
      if (account === undefined) {
        throw new Refusal({ kind: "not-found", what: "account", id: ref })
      }
      await mustBeNew(rooms, name)
      const user = await addUser(rooms, { account, name, role, ...hashes, clock })
      return await credentials(rooms, asking, { account, user, password, apiKey, clock })
    })
  })
}

type Accounts = Pick<Rooms["accounts"], "find">

export async function accountBy(accounts: Accounts, ref: string): Promise<Account | undefined> {
  const [byLogin] = await accounts.find({ login: ref }, { limit: 1 })
  if (byLogin !== undefined) return byLogin
  const [byTenant] = await accounts.find({ tenantId: ref.toLowerCase() }, { limit: 1 })
  if (byTenant !== undefined || !numberPattern.test(ref)) return byTenant
  const [byNumber] = await accounts.find({ accountNumber: Number(ref) }, { limit: 1 })
  return byNumber
}

/** By any of its three names, none of which can be taken for another's. */
export const isCalled = ({ login, tenantId, accountNumber }: Account, ref: string): boolean =>
  login === ref ||
  tenantId === ref.toLowerCase() ||
  (numberPattern.test(ref) && accountNumber === Number(ref))

const numberPattern = /^\d{1,15}$/
const loginPattern = /^[A-Za-z0-9][A-Za-z0-9._@+-]{0,63}$/
/** What an account number or a tenant id looks like: a login must not be taken for one. */
const otherRef = /^(\d+|[0-9a-fA-F]{32})$/

function mustBeLogin(login: string, field: string): void {
  if (loginPattern.test(login) && !otherRef.test(login)) return
  const why =
    "at most 64 letters, digits and . _ @ + -, beginning with a letter or a digit, and neither a " +
    "number nor 32 hex digits"
  throw new Refusal({ kind: "invalid", why, field })
}

async function mustBeNew(rooms: Rooms, name: string): Promise<void> {
  const users = await rooms.users.find({ name }, { limit: 1 })
  if (users.length > 0) throw new Refusal({ kind: "name-taken", what: "user", name })
  const accounts = await rooms.accounts.find({ login: name }, { limit: 1 })
  if (accounts.length > 0) throw new Refusal({ kind: "name-taken", what: "account", name })
}

async function hashed(proofs: Proofs, secrets: { password: string; apiKey: string }) {
  for (const [field, secret] of Object.entries(secrets)) mustBeSecret(secret, field)
  const passwordHash = await proofs.hash(secrets.password)
  const apiKeyHash = await proofs.hash(secrets.apiKey)
  return { passwordHash, apiKeyHash }
}

export async function addAccount(rooms: Rooms, login: string, nowMs: number): Promise<Account> {
  const [newest] = await rooms.accounts.find({}, { limit: 1, order: "newest-first" })
  const account: Account = {
    id: newId<"account">(nowMs),
    login,
    tenantId: randomBytes(16).toString("hex"),
    accountNumber: (newest?.accountNumber ?? firstAccountNumber - 1) + 1,
    quota: null,
    createdAt: nowMs,
  }
  await rooms.accounts.add(account)
  return account
}

export async function addUser(
  rooms: Rooms,
  wish: {
    account: Account
    name: string
    role: Role
    passwordHash: string | null
    apiKeyHash: string | null
    clock(): number
  },
): Promise<UserRow> {
  const { account, name, role, passwordHash, apiKeyHash, clock } = wish
  const id = newId<"user">(clock())
  const user = {
    id,
    accountId: account.id,
    name,
    role,
    passwordHash,
    apiKeyHash,
    createdAt: clock(),
  }
  await rooms.users.add(user)
  return user
}

async function credentials(
  rooms: Rooms,
  asking: Asking,
  made: { account: Account; user: User; password: string; apiKey: string; clock(): number },
): Promise<Credentials> {
  const { account, user, password, apiKey, clock } = made
  const [token, refreshToken] = [newSecret(), newSecret()]
  await addToken(rooms, { userId: user.id, kind: "bearer", token, nowMs: clock() })
  await addToken(rooms, { userId: user.id, kind: "refresh", token: refreshToken, nowMs: clock() })
  const { id: userId, name, role } = user
  const open = { account, userId, name, role }
  const noSecrets = { password: null, apiKey: null, token: null, refreshToken: null }
  await remember(rooms, asking, { ...open, ...noSecrets }, clock())
  return { ...open, password, apiKey, token, refreshToken }
}

/** The account `admin`, its user and the token in the state directory: made on a fresh start. */
export async function ensureAdmin(
  ledger: Context["ledger"],
  token: string,
  nowMs: number,
): Promise<AccountId> {
  return await ledger.transaction(async (rooms) => {
    const [account = await addAccount(rooms, "admin", nowMs)] = await rooms.accounts.find(
      { login: "admin" },
      { limit: 1 },
    )
    const [there] = await rooms.users.find({ name: "admin" }, { limit: 1 })
    const none = { passwordHash: null, apiKeyHash: null, clock: () => nowMs }
    const user = there ?? (await addUser(rooms, { account, name: "admin", role: "admin", ...none }))
    const known = await rooms.tokens.find({ hash: hashToken(token) }, { limit: 1 })
    if (known.length === 0) await addToken(rooms, { userId: user.id, kind: "bearer", token, nowMs })
    return account.id
  })
}
