/** Whom a proof makes of a user: never more than the user is now, whatever was handed out before. */
import type { Principal, Role, User } from "../domain/account.ts"
import { type Fault, Refusal } from "../domain/fault.ts"
import type { AccountId, AppCredentialId } from "../domain/ids.ts"

/** One fault for every way of not being known, so that no way can be told from another. */
export const stranger = {
  kind: "unauthenticated",
  why: "the credentials are missing or not valid",
} as const satisfies Fault

const strength: Record<Role, number> = { reader: 0, member: 1, admin: 2 }

export const lesserRole = (one: Role, other: Role): Role =>
  strength[one] <= strength[other] ? one : other

export const isWithin = (role: Role, most: Role): boolean => lesserRole(role, most) === role

/**
 * With no more than `role`, and for `accountId`; null: the user's own. Undefined where the account
 * is not the user's: only an administrator was ever given a proof for another, and this user no
 * longer is one. An administrator acting as one resolves ids everywhere, whatever the account.
 */
export function principalOf(
  user: User,
  given: {
    role: Role | null
    accountId: AccountId | null
    credentialId: AppCredentialId | null
  } = { role: null, accountId: null, credentialId: null },
): Principal | undefined {
  const role = lesserRole(given.role ?? user.role, user.role)
  const accountId = given.accountId ?? user.accountId
  if (accountId !== user.accountId && user.role !== "admin") return undefined
  const who = { userId: user.id, role, accountId, everywhere: role === "admin" }
  return given.credentialId === null ? who : { ...who, credentialId: given.credentialId }
}

/**
 * The most that who asks may hand on. An administrator who was let in for one account only hands
 * on a member's role: the admin's would resolve ids everywhere again.
 */
export const mostToHandOn = (who: Principal): Role =>
  who.everywhere ? who.role : lesserRole(who.role, "member")

/** What a credential made would outlive it, and nobody could take it back by its name. */
export function mustBeInPerson({ credentialId }: Principal): void {
  if (credentialId === undefined) return
  const why = "whoever comes with an app credential neither makes nor removes credentials"
  throw new Refusal({ kind: "forbidden", why })
}
