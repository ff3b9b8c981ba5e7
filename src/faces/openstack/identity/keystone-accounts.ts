/**
 * Who somebody of an external Keystone is here. His project is the account with that tenant id, or
 * in the domain `Default` of that name; he acts as that account's owner, as a member or, without
 * more than that role, as a reader. Nobody is an administrator here because he is one there.
 */
import type { Core } from "../../../core/core.ts"
import type { Account, Principal } from "../../../domain/account.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import type { Id } from "../../../domain/ids.ts"
import { domain } from "./issue.ts"
import type { Token } from "./keystone-token.ts"
import { stranger } from "./prove.ts"

const zero = "00000000-0000-0000-0000-000000000000" as Id<never>
/** Only looks up accounts, and is never anybody's principal. */
const looking: Principal = { userId: zero, accountId: zero, role: "reader", everywhere: true }

export async function principalOf(core: Core, token: Token): Promise<Result<Principal>> {
  const account = await accountOf(core, token)
  const owner = account && (await core.identity.userNamed(account.login))
  if (account === undefined || owner?.accountId !== account.id) return stranger
  const names = new Set(token.roles.map(({ name }) => name.toLowerCase()))
  const writes = ["member", "_member_", "admin"].some((name) => names.has(name))
  if (!writes && !names.has("reader")) return stranger
  const role = writes ? "member" : "reader"
  return ok({ userId: owner.id, accountId: account.id, role, everywhere: false })
}

async function accountOf(core: Core, { project }: Token): Promise<Account | undefined> {
  if (project === undefined) return undefined
  const byId = await accountNamed(core, project.id)
  if (byId?.tenantId === project.id) return byId
  if (project.domain?.id !== domain.id) return undefined
  // The name of one account may look like the number of another.
  const byName = await accountNamed(core, project.name)
  return byName?.login === project.name ? byName : undefined
}

export async function accountNamed({ identity }: Core, ref: string): Promise<Account | undefined> {
  const found = await identity.actFor(looking, ref)
  return found.ok ? identity.account(found.value.accountId) : undefined
}
