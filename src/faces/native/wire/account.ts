import { z } from "zod"
import type { Credentials } from "../../../core/core.ts"
import type { Principal, Account as Row, SshKey } from "../../../domain/account.ts"
import { components, name, pageOf, pageQuery, time, toTime, uuid } from "./words.ts"

const role = z.enum(["admin", "member", "reader"])

/** Logins and user names stand in URLs and signatures of the other faces. */
const login = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9_.@+-]{0,63}$/, {
  error: "must be 1 to 64 letters, digits or _.@+- and begin with a letter or digit",
})
/** No rule but a limit: whoever gives a secret knows why it is short. */
const secret = z.string().min(1).max(1024)

export const AccountWish = z
  .strictObject({ login, password: z.exactOptional(secret), apiKey: z.exactOptional(secret) })
  .register(components, { id: "AccountWish" })

export const UserWish = z
  .strictObject({
    name: login,
    account: z.string().min(1).max(255).describe("Login, tenant id or account number."),
    password: z.exactOptional(secret),
    role: z.exactOptional(role),
  })
  .register(components, { id: "UserWish" })

export const KeyWish = z
  .strictObject({
    publicKey: z
      .string()
      .max(16 * 1024)
      .regex(/^[\x20-\x7e]+\n?$/, { error: "must be one line of text, as in authorized_keys" }),
    name: z.exactOptional(name),
    user: z.exactOptional(login.describe("Who signs with it; default: who asks.")),
  })
  .register(components, { id: "KeyWish" })

const Account = z
  .object({
    id: uuid,
    login: z.string(),
    tenantId: z.string(),
    accountNumber: z.int(),
    createdAt: time,
  })
  .register(components, { id: "Account" })
export const PageQuery = z.strictObject(pageQuery)
export const AccountPage = pageOf(Account, "AccountPage")

export const renderAccount = (account: Row): z.infer<typeof Account> => ({
  id: account.id,
  login: account.login,
  tenantId: account.tenantId,
  accountNumber: account.accountNumber,
  createdAt: toTime(account.createdAt),
})

const shownOnce = z.string().nullable()

export const NewAccount = z
  .object({
    id: uuid,
    login: z.string(),
    password: shownOnce,
    apiKey: shownOnce,
    refreshToken: shownOnce,
    tenantId: z.string(),
    accountNumber: z.int(),
    token: shownOnce,
  })
  .describe("Secrets are shown this once; the answer to a repeated request has null for them.")
  .register(components, { id: "NewAccount" })

export const renderNewAccount = (made: Credentials): z.infer<typeof NewAccount> => ({
  id: made.account.id,
  login: made.account.login,
  password: made.password,
  apiKey: made.apiKey,
  refreshToken: made.refreshToken,
  tenantId: made.account.tenantId,
  accountNumber: made.account.accountNumber,
  token: made.token,
})

export const NewUser = z
  .object({
    id: uuid,
    name: z.string(),
    account: z.string(),
    role,
    password: shownOnce,
    apiKey: shownOnce,
    refreshToken: shownOnce,
    token: shownOnce,
  })
  .describe("Secrets are shown this once; the answer to a repeated request has null for them.")
  .register(components, { id: "NewUser" })

export const renderNewUser = (made: Credentials): z.infer<typeof NewUser> => ({
  id: made.userId,
  name: made.name,
  account: made.account.login,
  role: made.role,
  password: made.password,
  apiKey: made.apiKey,
  refreshToken: made.refreshToken,
  token: made.token,
})

export const Self = z
  .object({ userId: uuid, role, accountId: uuid, login: z.string() })
  .register(components, { id: "Self" })

export const renderSelf = (who: Principal, account: Row): z.infer<typeof Self> => ({
  userId: who.userId,
  role: who.role,
  accountId: who.accountId,
  login: account.login,
})

export const Key = z
  .object({
    id: uuid,
    name: z.string(),
    fingerprint: z.string().describe("MD5, colon-separated."),
    publicKey: z.string(),
    createdAt: time,
  })
  .register(components, { id: "Key" })
export const KeyPage = pageOf(Key, "KeyPage")

export const renderKey = (key: SshKey): z.infer<typeof Key> => ({
  id: key.id,
  name: key.name,
  fingerprint: key.fingerprint,
  publicKey: key.publicKey,
  createdAt: toTime(key.createdAt),
})
