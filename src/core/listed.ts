/** Which rows a listing is of. */
import type { Principal } from "../domain/account.ts"
import type { AccountId } from "../domain/ids.ts"
import type { Listing } from "./core.ts"
import { must, scopeOf } from "./visible.ts"

/** The account's, or all for the administrator; of those the ones that are as these fields say. */
export function whereOf<L extends Listing, K extends keyof L>(
  who: Principal,
  listing: L,
  fields: readonly K[],
): { accountId?: AccountId; name?: string } & Partial<Pick<L, K>> {
  const where: Partial<Pick<L, K>> = {}
  for (const field of fields) {
    if (listing[field] !== undefined) where[field] = listing[field]
  }
  const { name } = listing
  return { ...must(scopeOf(who, listing)), ...(name === undefined ? {} : { name }), ...where }
}
