/**
 * What each account may use: its own quota where the administrator gave it one, else the
 * service's. Kept in memory, so that nobody pays for quotas that nobody set.
 */
import type { Quota } from "../domain/account.ts"
import type { AccountId } from "../domain/ids.ts"
import type { Ledger } from "../ledger/ledger.ts"
import { LookFirst } from "./look-first.ts"

/** `account`: for each account without a quota of its own; `source`: for each machine or volume. */
export type ServiceQuota = {
  account: Quota
  source: Pick<Quota, "snapshots" | "logicalBytes" | "physicalBytes">
}

export type Allowances = ReturnType<typeof openAllowances>

export function openAllowances(ledger: Pick<Ledger, "read">, service: ServiceQuota) {
  let own: Map<AccountId, Quota> | undefined
  let version = 0

  /** What was read while somebody changed a quota is read again. */
  async function load(): Promise<void> {
    while (own === undefined) {
      const asOf = version
      const read = await ownQuotas(ledger)
      if (asOf === version) own ??= read
    }
  }

  return {
    /** Within a transaction; throws `LookFirst`. */
    of(account: AccountId): Quota {
      if (own === undefined) throw new LookFirst(load)
      return own.get(account) ?? service.account
    },
    ofSources: service.source,
    /** An account's quota was changed. */
    changed(): void {
      version += 1
      own = undefined
    },
  }
}

async function ownQuotas({ read }: Pick<Ledger, "read">): Promise<Map<AccountId, Quota>> {
  const own = new Map<AccountId, Quota>()
  const limit = 1000
  for (let after = ""; ; ) {
    const page = await read.accounts.find({}, after === "" ? { limit } : { limit, after })
    for (const { id, quota } of page) if (quota !== null) own.set(id, quota)
    const last = page.at(-1)
    if (last === undefined || page.length < limit) return own
    after = last.id
  }
}
