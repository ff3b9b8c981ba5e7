/** The accounts that these credentials may use: one's own, and for the administrator all. */
import type { Core } from "../../../core/core.ts"
import type { Account, Principal } from "../../../domain/account.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import type { Route } from "../../face.ts"
import { placeOf } from "../links.ts"
import { wholeList } from "../pages.ts"
import { inAccount } from "../route.ts"
import { renderAccount } from "../wire/account.ts"

export const accountRoutes: readonly Route[] = [
  {
    method: "GET",
    path: "/accounts",
    async answer(core, who, request) {
      const found = await usable(core, who)
      if (!found.ok) return found
      const place = placeOf(request)
      const accounts = found.value.map((account) => renderAccount(account, place))
      return ok({ status: 200, body: { accounts } })
    },
  },
  {
    method: "GET",
    path: "/accounts/:account",
    async answer(core, who, request) {
      const { account: given = "" } = request.params
      const acting = await inAccount(core, who, given)
      if (!acting.ok) return acting
      const account = await core.identity.account(acting.value.accountId)
      if (account === undefined) return no({ kind: "not-found", what: "account", id: given })
      return ok({ status: 200, body: { account: renderAccount(account, placeOf(request)) } })
    },
  },
]

async function usable(core: Core, who: Principal): Promise<Result<Account[]>> {
  if (who.everywhere) {
    return await wholeList(
      (page) => core.identity.listAccounts(who, page),
      ({ id }) => id,
    )
  }
  const own = await core.identity.account(who.accountId)
  return ok(own === undefined ? [] : [own])
}
