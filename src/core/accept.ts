/**
 * How a request becomes an operation: one transaction that checks, writes the thing's row, files
 * the operation in its queues, and remembers the Idempotency-Key. Either all of it is durable or
 * nothing happened; the answer goes out after that, the work begins after that.
 */
import { attempt, type Fault, type Named, Refusal, type Result } from "../domain/fault.ts"
import { type AccountId, newId, type OperationId } from "../domain/ids.ts"
import type { Operation } from "../domain/operation.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { file } from "../operations/filing.ts"
import type { AnySaga } from "../operations/saga.ts"
import type { Context } from "./context.ts"
import type { Asking, Started } from "./core.ts"
import { lookingFirst } from "./look-first.ts"
import { recalled, remember } from "./repeats.ts"
import { mayChange, must } from "./visible.ts"

export type Plan<T> = {
  resource: T
  accountId: AccountId
  target: Named
  /** The machine or volume it is done to, where that is not the target. */
  subject?: string
  /** Everything it works on; it waits until it is first in the queue of each. */
  holds: readonly string[]
  params: unknown
  /** Bytes on disk set aside for it until it ends: what `mustFit` said. None unless told. */
  reserves?: number
  /**
   * It comes to nothing, for APIs that say so afterwards: the operation is on record as undone,
   * with this fault, and holds nothing.
   */
  refused?: Fault | null
}

export type Accepting<T> = {
  saga: Pick<AnySaga, "name" | "version">
  /** Checks, by throwing refusals, and writes; runs inside the transaction. */
  plan(rooms: Rooms, operationId: OperationId): Promise<Plan<T>>
  operationId?: OperationId
}

export async function accept<T>(
  context: Pick<Context, "ledger" | "node" | "clock" | "wake">,
  asking: Asking,
  { saga, plan, operationId = newId<"operation">() }: Accepting<T>,
): Promise<Result<Started<T>>> {
  const accepted = await attempt(async () => {
    must(mayChange(asking.who))
    const transaction = async (rooms: Rooms) => {
      const before = await repeated<T>(rooms, asking)
      if (before !== undefined) return before
      const planned = await plan(rooms, operationId)
      const order = { saga, id: operationId, plan: planned }
      const operation = await fileOperation(context, rooms, asking, order)
      const { resource } = planned
      await remember(rooms, asking, { operationId: operation.id, resource }, operation.createdAt)
      return { resource, operation }
    }
    return await lookingFirst(() => context.ledger.transaction(transaction))
  })
  if (accepted.ok) context.wake([accepted.value.operation.id])
  return accepted
}

async function fileOperation(
  { node, clock }: Pick<Context, "node" | "clock">,
  rooms: Rooms,
  { who, caller }: Asking,
  order: { saga: Accepting<never>["saga"]; id: OperationId; plan: Plan<unknown> },
): Promise<Operation> {
  const { saga, id, plan } = order
  const { accountId, target, subject = target.id, holds, params } = plan
  const { reserves = 0, refused = null } = plan
  if (refused === null) await mustNotBeStuck(rooms, holds)
  return await file(rooms, {
    ...{ id, saga, accountId, userId: who.userId, node, target, subject },
    ...{ params, holds, reserves, refused, at: clock(), caller: caller ?? null },
  })
}

/** The answer that a request under this key had, with its operation as it is now. */
async function repeated<T>(rooms: Rooms, asking: Asking): Promise<Started<T> | undefined> {
  const before = await recalled<{ operationId: string; resource: T }>(rooms, asking)
  if (before === undefined) return undefined
  const operation = await rooms.operations.get(before.operationId)
  if (operation === undefined) throw new Error(`operation ${before.operationId} is forgotten`)
  return { resource: before.resource, operation, replayed: true }
}

async function mustNotBeStuck(rooms: Rooms, holds: readonly string[]): Promise<void> {
  // Whatever is stuck was at work, and so it is first wherever it waits.
  const firsts = await rooms.operations.firstHolding([...new Set(holds)])
  const first = [...firsts.values()].find(({ state }) => state === "stuck")
  if (first === undefined) return
  throw new Refusal({
    kind: "in-use",
    what: "operation",
    id: first.id,
    by: [{ kind: "operation", id: first.id }],
    hint: `it is stuck (${first.reason ?? "no reason recorded"}); run tintype doctor --fix`,
  })
}
