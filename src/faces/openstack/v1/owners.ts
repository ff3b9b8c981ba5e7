/** Whose things are, in the numbers that v1 has for accounts. */
import type { Core } from "../../../core/core.ts"
import type { AccountId } from "../../../domain/ids.ts"

/** Asked once for each account, however many things it has. */
export async function numbersOf(
  core: Core,
  things: readonly { accountId: AccountId }[],
): Promise<(thing: { accountId: AccountId }) => string> {
  const numbers = new Map<AccountId, string>()
  for (const id of new Set(things.map(({ accountId }) => accountId))) {
    numbers.set(id, `${(await core.identity.account(id))?.accountNumber ?? ""}`)
  }
  return ({ accountId }) => numbers.get(accountId) ?? ""
}
