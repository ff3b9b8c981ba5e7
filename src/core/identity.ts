/** Who asks: one identity store for every face. */
import type { Principal, User } from "../domain/account.ts"
import { attempt, no, ok, Refusal, type Result } from "../domain/fault.ts"
import { accountBy, createAccount, createUser, isCalled, type ProvingTools } from "./accounts.ts"
import { openAppCredentials } from "./app-credentials.ts"
import type { Identity } from "./core.ts"
import { openKeys } from "./keys.ts"
import { principalOf, stranger } from "./principals.ts"
import { openProofs } from "./proofs.ts"
import { withoutHashes } from "./secrets.ts"
import { openTokens } from "./tokens.ts"
import { setQuota, type UsageTools, usageOf, usageOfTypes } from "./usage.ts"
import { mayRun, must } from "./visible.ts"

export function openIdentity(context: Omit<ProvingTools, "proofs"> & UsageTools): Identity {
  const tools = { ...context, proofs: openProofs(context.clock) }
  const { ledger } = tools

  return {
    ...openTokens(tools),
    ...openAppCredentials(tools),
    ...openKeys(tools),

    byPassword: (name, password) => bySecret(tools, name, password, ["passwordHash"]),
    byApiKey: (name, apiKey) => bySecret(tools, name, apiKey, ["apiKeyHash"]),
    byPasswordOrApiKey: (name, secret) =>
      bySecret(tools, name, secret, ["passwordHash", "apiKeyHash"]),

    async actFor(who, ref) {
      // Nearly everybody asks for his own account, with every request: that is looked at first.
      const own = await ledger.read.accounts.get(who.accountId)
      if (own !== undefined && isCalled(own, ref)) return ok(who)
      const account = await accountBy(ledger.read.accounts, ref)
      if (account !== undefined && account.id === who.accountId) return ok(who)
      if (!who.everywhere) return no({ kind: "forbidden", why: "this account is not yours" })
      if (account === undefined) return no({ kind: "not-found", what: "account", id: ref })
      return ok({ ...who, accountId: account.id })
    },

    account: (id) => ledger.read.accounts.get(id),
    async user(id) {
      const user = await ledger.read.users.get(id)
      return user && withoutHashes(user)
    },
    userNamed: (name) => userNamed(tools, name),
    listUsers: ({ accountId }) =>
      attempt(async () => (await ledger.read.users.find({ accountId })).map(withoutHashes)),

    createAccount: (asking, wish) => createAccount(tools, asking, wish),
    createUser: (asking, wish) => createUser(tools, asking, wish),

    listAccounts: (who, page) =>
      attempt(async () => {
        must(mayRun(who))
        return await ledger.read.accounts.find({}, page)
      }),

    setQuota: (asking, ref, quota) => setQuota(tools, asking, ref, quota),
    usage: (who) => usageOf(tools, who),
    usageOfTypes: (who, types) => usageOfTypes(tools, who, types),
  }
}

async function userNamed({ ledger }: ProvingTools, name: string): Promise<User | undefined> {
  const [user] = await ledger.read.users.find({ name }, { limit: 1 })
  return user && withoutHashes(user)
}

type Secret = "passwordHash" | "apiKeyHash"

/** Whoever it is the password of, or the API key, or either. */
function bySecret(
  { ledger, proofs }: ProvingTools,
  name: string,
  secret: string,
  fields: readonly Secret[],
): Promise<Result<Principal>> {
  return attempt(async () => {
    const [user] = await ledger.read.users.find({ name }, { limit: 1 })
    const claims = fields.map((field) => ({
      claim: JSON.stringify([field, name]),
      hash: user?.[field] ?? null,
    }))
    const right = await proofs.isAnyRight(secret, claims)
    const who = user && principalOf(user)
    if (who === undefined || !right) throw new Refusal(stranger)
    return who
  })
}
