/** What an account uses, and what it may; the administrator says what it may. */
import type { Account, Principal, Quota } from "../domain/account.ts"
import { attempt, Refusal, type Result } from "../domain/fault.ts"
import { accountBy } from "./accounts.ts"
import type { Context } from "./context.ts"
import type { AccountUsage, Asking, TypeUsage } from "./core.ts"
import { lookingFirst } from "./look-first.ts"
import { accountMeasures, living } from "./quota.ts"
import { mayRun, must } from "./visible.ts"

export type UsageTools = Pick<Context, "ledger" | "capacity" | "node">

export function usageOf(tools: UsageTools, who: Principal): Promise<Result<AccountUsage>> {
  return attempt(async () => {
    const { accountId } = who
    const { read } = tools.ledger
    const account = await read.accounts.get(accountId)
    if (account === undefined) {
      throw new Refusal({ kind: "not-found", what: "account", id: accountId })
    }
    const measures = accountMeasures(read, tools, accountId)
    return await lookingFirst(async () => ({
      account,
      used: {
        machines: await measures.machines.used(),
        volumes: await measures.volumes.used(),
        snapshots: await measures.snapshots.used(),
        logicalBytes: await measures.logicalBytes.used(),
        physicalBytes: await measures.physicalBytes.used(),
      },
      quota: tools.capacity.allowances.of(accountId),
    }))
  })
}

export async function usageOfTypes(
  { ledger: { read } }: Pick<UsageTools, "ledger">,
  { accountId }: Principal,
  type: readonly (string | null)[],
): Promise<TypeUsage> {
  const volume = { accountId, state: living.volumes, type }
  const shown = { recovery: false, state: living.snapshots }
  return {
    volumes: await read.volumes.count(volume),
    snapshots: await read.points.countIn({
      point: { accountId },
      snapshot: shown,
      volume: { type },
    }),
    logicalBytes: await read.volumes.sum("sizeBytes", volume),
  }
}

export function setQuota(
  { ledger, capacity }: UsageTools,
  { who }: Asking,
  ref: string,
  quota: Quota | null,
): Promise<Result<Account>> {
  return attempt(async () => {
    must(mayRun(who))
    for (const [field, limit] of Object.entries(quota ?? {})) mustBeLimit(field, limit)
    const account = await ledger.transaction(async (rooms) => {
      const found = await accountBy(rooms.accounts, ref)
      if (found === undefined) throw new Refusal({ kind: "not-found", what: "account", id: ref })
      await rooms.accounts.change(found.id, { quota })
      return { ...found, quota }
    })
    capacity.allowances.changed()
    return account
  })
}

function mustBeLimit(field: string, limit: number): void {
  if (Number.isSafeInteger(limit) && limit >= 0) return
  throw new Refusal({ kind: "invalid", why: "a limit is a whole number, 0 or more", field })
}
