/**
 * How a request becomes an operation: one transaction that checks, writes the thing's row, files
 * the operation in its queues, and remembers the Idempotency-Key. Either all of it is durable or
 * nothing happened; the answer goes out after that, the work begins after that.
 */
import { createHash } from "node:crypto"
import { attempt, type Named, Refusal, type Result } from "../domain/fault.ts"
import { type AccountId, newId, type OperationId } from "../domain/ids.ts"
import type { Operation } from "../domain/operation.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { AnySaga } from "../operations/saga.ts"
import type { Context } from "./context.ts"
import type { Asking, Started } from "./core.ts"
import { mayChange, must } from "./visible.ts"

export type Plan<T> = {
  resource: T
  accountId: AccountId
  target: Named
  /** Everything it works on; it waits until it is first in the queue of each. */
  holds: readonly string[]
  params: unknown
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
    return await context.ledger.transaction(async (rooms) => {
      const before = await repeated<T>(rooms, asking)
      if (before !== undefined) return before
      const { resource, accountId, target, holds, params } = await plan(rooms, operationId)
      for (const hold of new Set(holds)) await mustNotBeStuck(rooms, hold)
      const operation: Operation = {
        id: operationId,
        kind: saga.name,
        version: saga.version,
        accountId,
        userId: asking.who.userId,
        node: context.node,
        state: "queued",
        params,
        targetKind: target.kind,
        targetId: target.id,
        progress: 0,
        message: "queued",
        reason: null,
        fault: null,
        fence: 0,
        leaseUntil: 0,
        createdAt: context.clock(),
        startedAt: null,
        endedAt: null,
      }
      await rooms.operations.enqueue(operation, [...new Set(holds)])
      await rooms.events.add({
        at: operation.createdAt,
        accountId,
        type: "operation.queued",
        resourceKind: target.kind,
        resourceId: target.id,
        data: { operationId: operation.id, kind: operation.kind },
      })
      await remember(rooms, asking, { operationId: operation.id, resource }, operation.createdAt)
      return { resource, operation }
    })
  })
  if (accepted.ok) context.wake()
  return accepted
}

/** What a key was used for before; a different request under the same key is refused. */
async function repeated<T>(rooms: Rooms, { who, repeat }: Asking): Promise<Started<T> | undefined> {
  if (repeat === undefined) return undefined
  const before = await rooms.repeats.get(who.userId, repeat.key)
  if (before === undefined) return undefined
  if (before.requestHash !== requestHash(who.accountId, repeat.requestHash)) {
    throw new Refusal({ kind: "key-reused", key: repeat.key })
  }
  const { operationId, resource } = before.body as { operationId: string; resource: T }
  const operation = await rooms.operations.get(operationId)
  if (operation === undefined) throw new Refusal({ kind: "key-reused", key: repeat.key })
  return { resource, operation, replayed: true }
}

async function remember(
  rooms: Rooms,
  { who, repeat }: Asking,
  body: unknown,
  createdAt: number,
): Promise<void> {
  if (repeat === undefined) return
  const hash = requestHash(who.accountId, repeat.requestHash)
  await rooms.repeats.add(who.userId, repeat.key, {
    requestHash: hash,
    status: 202,
    body,
    createdAt,
  })
}

/** The same request for another account is another request. */
const requestHash = (accountId: AccountId, hash: string): string =>
  createHash("sha256").update(accountId).update(hash).digest("base64url")

async function mustNotBeStuck(rooms: Rooms, resource: string): Promise<void> {
  const [first] = await rooms.operations.holding(resource)
  if (first?.state !== "stuck") return
  throw new Refusal({
    kind: "in-use",
    what: "operation",
    id: first.id,
    by: [{ kind: "operation", id: first.id }],
    hint: `it is stuck (${first.reason ?? "no reason recorded"}); run tintype doctor --fix`,
  })
}
