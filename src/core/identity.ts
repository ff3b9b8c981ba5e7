/** Who asks: one identity store for every face. */
import type { Principal, User } from "../domain/account.ts"
import { attempt, no, ok } from "../domain/fault.ts"
import { accountBy, createAccount, createUser, type IdentityTools } from "./accounts.ts"
import type { Identity } from "./core.ts"
import { addKey } from "./keys.ts"
import { checkPassword, hashToken } from "./secrets.ts"
import { setQuota, type UsageTools, usageOf } from "./usage.ts"
import { mayRun, must } from "./visible.ts"

const stranger = {
  kind: "unauthenticated",
  why: "the credentials are missing or not valid",
} as const

export function openIdentity(tools: IdentityTools & UsageTools): Identity {
  const { ledger, clock } = tools
  const principalOf = (user: User): Principal => ({
    userId: user.id,
    role: user.role,
    accountId: user.accountId,
    everywhere: user.role === "admin",
  })

  return {
    async byToken(text) {
      // Looked up by its hash: how long that takes tells nothing about any token.
      const [token] = await ledger.read.tokens.find({ hash: hashToken(text) }, { limit: 1 })
      if (token === undefined || token.kind !== "bearer") return no(stranger)
      if (token.expiresAt !== null && token.expiresAt <= clock()) return no(stranger)
      const user = await ledger.read.users.get(token.userId)
      return user === undefined ? no(stranger) : ok(principalOf(user))
    },

    async byPassword(userName, password) {
      const [user] = await ledger.read.users.find({ name: userName }, { limit: 1 })
      const right = await checkPassword(password, user?.passwordHash ?? null)
      return user !== undefined && right ? ok(principalOf(user)) : no(stranger)
    },

    async actFor(who, ref) {
      const account = await accountBy(ledger.read.accounts, ref)
      if (account !== undefined && account.id === who.accountId) return ok(who)
      if (!who.everywhere) return no({ kind: "forbidden", why: "this account is not yours" })
      if (account === undefined) return no({ kind: "not-found", what: "account", id: ref })
      return ok({ ...who, accountId: account.id })
    },

    account: (id) => ledger.read.accounts.get(id),

    createAccount: (asking, wish) => createAccount(tools, asking, wish),
    createUser: (asking, wish) => createUser(tools, asking, wish),

    listAccounts: (who, page) =>
      attempt(async () => {
        must(mayRun(who))
        return await ledger.read.accounts.find({}, page)
      }),

    setQuota: (asking, ref, quota) => setQuota(tools, asking, ref, quota),
    usage: (who) => usageOf(tools, who),

    addKey: (asking, wish) => addKey(tools, asking, wish),
    listKeys: async (who) => ok(await ledger.read.keys.find({ accountId: who.accountId })),
  }
}
