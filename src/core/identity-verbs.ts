/** Who may ask: accounts, users, and everything by which they prove themselves. */
import type {
  Account,
  AppCredential,
  Principal,
  Quota,
  Role,
  SshKey,
  TokenKind,
  TokenStory,
  User,
} from "../domain/account.ts"
import type { Result } from "../domain/fault.ts"
import type { AccountId, AppCredentialId, UserId } from "../domain/ids.ts"
import type { Page } from "../ledger/ledger.ts"
import type { Asking } from "./wishes.ts"

/** Shown once, when made; only hashes are kept, so the answer to a repeat has null for each. */
export type Credentials = {
  account: Account
  userId: UserId
  name: string
  role: Role
  password: string | null
  apiKey: string | null
  refreshToken: string | null
  token: string | null
}

/** `quota` is the one in force, the account's own or the service's; what it leaves out is free. */
export type AccountUsage = { account: Account; used: Required<Quota>; quota: Quota }

export type TypeUsage = Pick<Required<Quota>, "volumes" | "snapshots" | "logicalBytes">

export type IssuedToken = { token: string; issuedAt: number; expiresAt: number }
/** `expiresAt` null never expires. */
export type TokenView = {
  who: Principal
  user: User
  account: Account
  story: TokenStory | null
  issuedAt: number
  expiresAt: number | null
}

export interface Identity {
  /** An unknown, expired or revoked token is `unauthenticated`, all in the same words and time. */
  byToken(token: string): Promise<Result<Principal>>
  /** `unavailable` while too many are being checked; what was right a moment ago still is. */
  byPassword(userName: string, password: string): Promise<Result<Principal>>
  byApiKey(userName: string, apiKey: string): Promise<Result<Principal>>
  /** For APIs that take either; what was right a moment ago costs nothing, whichever it was. */
  byPasswordOrApiKey(userName: string, secret: string): Promise<Result<Principal>>
  byRefreshToken(token: string): Promise<Result<Principal>>
  /** By its id, or by its user and its name there. The principal's role is the credential's. */
  byAppCredential(
    ref: { id: string } | { userName: string; name: string },
    secret: string,
  ): Promise<Result<Principal>>
  /**
   * A bearer token, unless told, for the account that asks, or is acted for, with no more than
   * the role of who asks. It lives for a second to a year, but no longer than an app credential it is got with.
   * Beyond 10,000 of a kind and user the oldest that expire are forgotten. It is told only here.
   */
  issueToken(
    who: Principal,
    wish: { livesMs: number; kind?: TokenKind; story?: TokenStory },
  ): Promise<Result<IssuedToken>>
  /** Whose it is and until when. What `byToken` refuses is `unauthenticated` here, too. */
  describeToken(token: string): Promise<Result<TokenView>>
  /** One's own, or anybody's for the administrator; one that is not there is `not-found`. */
  revokeToken(who: Principal, token: string): Promise<Result<null>>
  user(id: UserId): Promise<User | undefined>
  userNamed(name: string): Promise<User | undefined>
  /** The administrator acts for an account; `ref` is a login, a tenant id or an account number. */
  actFor(who: Principal, ref: string): Promise<Result<Principal>>
  account(id: AccountId): Promise<Account | undefined>
  createAccount(
    asking: Asking,
    wish: { login: string; password?: string; apiKey?: string },
  ): Promise<Result<Credentials>>
  createUser(
    asking: Asking,
    wish: { name: string; account: string; password?: string; role?: Role },
  ): Promise<Result<Credentials>>
  listAccounts(who: Principal, page: Page): Promise<Result<Account[]>>
  /** Null: the service's own quota counts again. `ref` as in `actFor`. */
  setQuota(asking: Asking, ref: string, quota: Quota | null): Promise<Result<Account>>
  /** Of the account that asks, or is acted for. */
  usage(who: Principal): Promise<Result<AccountUsage>>
  /** Of its volumes of these types alone. Snapshots count once for each of their volumes. */
  usageOfTypes(who: Principal, types: readonly (string | null)[]): Promise<TypeUsage>
  /** Of the account that asks, or is acted for; the oldest first. */
  listUsers(who: Principal): Promise<Result<User[]>>
  /**
   * The name, by default the MD5 fingerprint, is unique in the account; at most 100 of them.
   * `user`, by name or id, is who signs with it; default: who asks. For somebody else only the
   * account's owner adds and removes keys, or the administrator.
   */
  addKey(
    asking: Asking,
    wish: { publicKey: string; name?: string; user?: string },
  ): Promise<Result<SshKey>>
  listKeys(who: Principal): Promise<Result<SshKey[]>>
  /** By its name or its fingerprint (as in `signer`), within the account that asks. */
  removeKey(asking: Asking, ref: string): Promise<Result<null>>
  /**
   * The key that a signature claims to be made with, and who asks if it was: `account` is a
   * login, a tenant id or an account number, `user` a user of it, by name or id (default: any of its
   * users' keys), `key` a name or a fingerprint (MD5, with colons, or `SHA256:` and base64). Undefined
   * where anything of that is unknown, and no more is told. Nobody signs for other accounts.
   */
  signer(ref: {
    account: string
    user?: string
    key: string
  }): Promise<{ key: SshKey; who: Principal } | undefined>
  /**
   * `secret`: told once, and made here unless given; the answer to a repeat has null for it.
   * `role` is at most the asker's own; default: just that. At most 100 of one user. Who comes
   * with an app credential neither makes nor removes credentials or keys, nor makes accounts or
   * users, which have some. Its tokens go with it.
   */
  addAppCredential(
    asking: Asking,
    wish: { name: string; description?: string; secret?: string; role?: Role; expiresAt?: number },
  ): Promise<Result<{ credential: AppCredential; secret: string | null }>>
  listAppCredentials(who: Principal): Promise<Result<AppCredential[]>>
  removeAppCredential(asking: Asking, id: AppCredentialId): Promise<Result<null>>
}
