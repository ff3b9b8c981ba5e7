/**
 * Changes that are done when they are answered: one transaction with the row, an event, and an
 * operation that has ended already, so that the thing's history shows who changed it and when.
 */
import { attempt, type Result } from "../domain/fault.ts"
import { type AccountId, newId } from "../domain/ids.ts"
import type { Operation } from "../domain/operation.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { Context } from "./context.ts"
import type { Asking } from "./core.ts"
import { recalled, remember } from "./repeats.ts"
import { mayChange, must } from "./visible.ts"

export type Changed<T> = {
  resource: T
  accountId: AccountId
  /** The names of the fields that were written; nothing happened where there are none. */
  fields: readonly string[]
}

/** `write` checks, by throwing refusals, and writes; it runs inside the transaction. */
export function changeAtOnce<T>(
  { ledger, node, clock }: Pick<Context, "ledger" | "node" | "clock">,
  asking: Asking,
  target: { kind: "machine" | "volume" | "snapshot"; id: string; subject?: string },
  write: (rooms: Rooms) => Promise<Changed<T>>,
): Promise<Result<T>> {
  return attempt(async () => {
    must(mayChange(asking.who))
    return await ledger.transaction(async (rooms) => {
      const before = await recalled<{ resource: T }>(rooms, asking)
      if (before !== undefined) return before.resource
      const { resource, accountId, fields } = await write(rooms)
      const at = clock()
      if (fields.length > 0) {
        await rooms.operations.add(ended({ asking, target, accountId, fields, node, at }))
        const { kind: resourceKind, id: resourceId } = target
        const data = { fields }
        const type = `${resourceKind}.changed`
        await rooms.events.add({ at, accountId, type, resourceKind, resourceId, data })
      }
      await remember(rooms, asking, { resource }, at)
      return resource
    })
  })
}

type Ended = {
  asking: Asking
  target: { kind: string; id: string; subject?: string }
  accountId: AccountId
  fields: readonly string[]
  node: string
  at: number
}

const ended = ({ asking, target, accountId, fields, node, at }: Ended): Operation => ({
  id: newId<"operation">(at),
  kind: `${target.kind}-change`,
  version: 1,
  accountId,
  userId: asking.who.userId,
  node,
  state: "done",
  params: { fields },
  targetKind: target.kind,
  targetId: target.id,
  subjectId: target.subject ?? target.id,
  caller: asking.caller ?? null,
  progress: 100,
  message: `changed ${fields.join(", ")}`,
  reason: null,
  fault: null,
  reservedBytes: 0,
  cancelled: false,
  dismissed: false,
  fence: 0,
  leaseUntil: 0,
  createdAt: at,
  startedAt: at,
  endedAt: at,
})
