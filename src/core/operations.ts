/** Operations: find them, and wait for their end. */

import type { Principal } from "../domain/account.ts"
import { attempt, ok } from "../domain/fault.ts"
import type { OperationId } from "../domain/ids.ts"
import type { Ledger } from "../ledger/ledger.ts"
import type { Context } from "./context.ts"
import type { Operations, OperationView } from "./core.ts"
import { untilEnded } from "./streamed.ts"
import { must, scopeOf, seen } from "./visible.ts"

export function openOperations({ ledger }: Pick<Context, "ledger">): Operations {
  return {
    get: (who, id) => attempt(() => viewOf(ledger, who, id)),
    list: (who, listing) =>
      attempt(async () => {
        const { targetId, unendedOnly } = listing
        const where = {
          ...must(scopeOf(who, listing)),
          ...(targetId === undefined ? {} : { targetId }),
          ...(unendedOnly ? { state: ["queued", "running", "undoing", "stuck"] as const } : {}),
        }
        return await ledger.read.operations.find(where, listing)
      }),
    async wait(who, id, withinMs) {
      const there = await attempt(() => viewOf(ledger, who, id))
      if (!there.ok) return there
      await untilEnded(ledger, id, withinMs)
      return ok(await viewOf(ledger, who, id))
    },
  }
}

async function viewOf(
  ledger: Pick<Ledger, "read">,
  who: Principal,
  id: OperationId,
): Promise<OperationView> {
  const operation = must(seen(who, "operation", id, await ledger.read.operations.get(id)))
  return { ...operation, log: await ledger.read.operations.log(id) }
}
