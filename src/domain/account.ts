import type { AccountId, AppCredentialId, KeyId, TokenId, UserId } from "./ids.ts"

/** Who owns things. Every face accepts any of login, tenantId and accountNumber in its URLs. */
export type Account = {
  id: AccountId
  login: string
  /** 32 lower-case hex digits, as OpenStack projects have them. */
  tenantId: string
  accountNumber: number
  /** What it may use; null where nobody said, and then the service's own quota counts. */
  quota: Quota | null
  createdAt: number
}

/** Limits on what an account, or one machine or volume, may use; what is absent has no limit. */
export type Quota = {
  machines?: number
  volumes?: number
  snapshots?: number
  /** The sizes of volumes, as promised to their users. */
  logicalBytes?: number
  /** Bytes on disk, snapshots and kept memories included. */
  physicalBytes?: number
}

/** `admin` runs the cloud, `member` works in its account, `reader` only looks. */
export type Role = "admin" | "member" | "reader"

export type User = {
  id: UserId
  accountId: AccountId
  /** Unique in the whole service. */
  name: string
  role: Role
  createdAt: number
}
/** Each account has one, made with it and called like it. */
export const isOwner = (user: Pick<User, "name">, account: Pick<Account, "login">): boolean =>
  user.name === account.login

/** As it is kept, with what proves it; that is nobody's business but the core's. */
export type UserRow = User & { passwordHash: string | null; apiKeyHash: string | null }

export type TokenKind = "bearer" | "refresh"

/**
 * How a token was got, in the words of the face that gave it; nothing in here reads it. `scoped`:
 * whether an account was asked for.
 */
export type TokenStory = { methods: readonly string[]; scoped: boolean }

/** An opaque random token; only its SHA-256 is kept. */
export type Token = {
  id: TokenId
  hash: string
  kind: TokenKind
  userId: UserId
  /** The account it was given for; null: its user's own. */
  accountId: AccountId | null
  /** It gives no more than this role; null: its user's own. */
  role: Role | null
  /** The app credential it was got with, and goes with. */
  credentialId: AppCredentialId | null
  story: TokenStory | null
  createdAt: number
  /** Epoch milliseconds; null never expires. */
  expiresAt: number | null
}

/** Lets a program act as a user, with no more than `role`, without knowing the user's password. */
export type AppCredential = {
  id: AppCredentialId
  userId: UserId
  accountId: AccountId
  name: string
  description: string
  role: Role
  /** Epoch milliseconds; null never expires. */
  expiresAt: number | null
  createdAt: number
}
/** As it is kept. */
export type AppCredentialRow = AppCredential & { secretHash: string }

export type SshKey = {
  id: KeyId
  accountId: AccountId
  userId: UserId
  name: string
  /** Colon-separated MD5 of the key blob, as `ssh-keygen -l -E md5` prints it. */
  fingerprint: string
  /** One line as in `authorized_keys`. */
  publicKey: string
  createdAt: number
}

/** Who asks, and for which account; every verb of the core takes one. */
export type Principal = {
  userId: UserId
  role: Role
  accountId: AccountId
  /** True for the cloud administrator not acting for one account: ids resolve everywhere. */
  everywhere: boolean
  /** Where it is not the user in person who asks, but a program with this credential. */
  credentialId?: AppCredentialId
}

/** Whether anything may be changed at all. */
export const mayAct = ({ role }: Pick<Principal, "role">): boolean => role !== "reader"
