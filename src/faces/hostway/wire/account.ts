import type { Account } from "../../../domain/account.ts"
import { linksTo, type Place } from "../links.ts"

/** Accounts are above both families: their links are the same in either. */
export const renderAccount = ({ accountNumber, login }: Account, { origin }: Place) => ({
  id: String(accountNumber),
  name: login,
  links: linksTo({ origin, family: "" }, "accounts", accountNumber),
})
