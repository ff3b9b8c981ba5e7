/**
 * Who may see and touch what, in one place. What is another account's is not there: the answer
 * for it and for what never was are one and the same.
 */
import { mayAct, type Principal } from "../domain/account.ts"
import { no, ok, Refusal, type ResourceKind, type Result } from "../domain/fault.ts"
import type { AccountId } from "../domain/ids.ts"

type Owned = { id: string; accountId: AccountId | null }

export const mine = (who: Principal, thing: { accountId: AccountId | null }): boolean =>
  who.everywhere || thing.accountId === who.accountId

export function seen<T extends Owned>(
  who: Principal,
  what: ResourceKind,
  id: string,
  thing: T | undefined,
): Result<T> {
  if (thing === undefined || !mine(who, thing)) return no({ kind: "not-found", what, id })
  return ok(thing)
}

/** The same for code within a transaction, which refuses by throwing. */
export function must<T>(result: Result<T>): T {
  if (!result.ok) throw new Refusal(result.fault)
  return result.value
}

export const mayChange = (who: Principal): Result<null> =>
  mayAct(who) ? ok(null) : no({ kind: "forbidden", why: "a reader may only look" })

export const mayRun = (who: Principal): Result<null> =>
  who.role === "admin" ? ok(null) : no({ kind: "forbidden", why: "this needs the role admin" })

/** Which rows a list shows: the account's, or with `allAccounts` the administrator sees all. */
export function scopeOf(
  who: Principal,
  listing: { allAccounts?: boolean },
): Result<{ accountId?: AccountId }> {
  if (!listing.allAccounts) return ok({ accountId: who.accountId })
  return who.everywhere ? ok({}) : no({ kind: "forbidden", why: "this needs the role admin" })
}
