import type { Claim } from "../ledger/ledger.ts"
import type { ExecutorOptions } from "./options.ts"

/** A step list we do not know was written by another version: refuse, do not guess. */
export async function refuse(claim: Claim, options: ExecutorOptions): Promise<void> {
  const { operation } = claim
  const reason = `this version knows no operation ${operation.kind}@${operation.version}`
  const { id, fence, accountId, kind, targetKind, targetId } = operation
  await options.ledger.fenced(id, fence, async (rooms) => {
    const at = options.clock()
    await rooms.operations.change(id, { state: "stuck", reason, endedAt: at, reservedBytes: 0 })
    await rooms.events.add({
      at,
      accountId,
      type: "operation.stuck",
      resourceKind: targetKind,
      resourceId: targetId,
      data: { operationId: id, kind, reason },
    })
  })
}
