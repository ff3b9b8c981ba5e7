/**
 * How an operation comes to be on record, and into the queues of all it works on. Within the
 * transaction of what it belongs to: a request's acceptance, or a step of another operation.
 */
import { explain, type Fault, type Named } from "../domain/fault.ts"
import type { AccountId, OperationId } from "../domain/ids.ts"
import type { Operation } from "../domain/operation.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { AnySaga } from "./saga.ts"

type Filing = Pick<Operation, "userId" | "caller" | "node"> & {
  id: OperationId
  saga: Pick<AnySaga, "name" | "version">
  accountId: AccountId
  target: Named
  /** The machine or volume it is done to, where that is not the target. */
  subject: string
  params: unknown
  /** Everything it works on; it waits until it is first in the queue of each. */
  holds: readonly string[]
  /** Bytes on disk set aside for it until it ends. */
  reserves: number
  /** One that was refused has ended at once, and holds nothing. */
  refused: Fault | null
  at: number
}

export async function file(rooms: Rooms, filing: Filing): Promise<Operation> {
  const { id, saga, accountId, userId, node, caller, target, subject, params } = filing
  const { holds, reserves, refused, at } = filing
  const operation: Operation = {
    id,
    kind: saga.name,
    version: saga.version,
    accountId,
    userId,
    node,
    state: "queued",
    params,
    targetKind: target.kind,
    targetId: target.id,
    subjectId: subject,
    caller,
    progress: 0,
    message: "queued",
    reason: null,
    fault: null,
    reservedBytes: reserves,
    cancelled: false,
    dismissed: false,
    fence: 0,
    leaseUntil: 0,
    createdAt: at,
    startedAt: null,
    endedAt: null,
    ...(refused === null ? {} : undoneAtOnce(refused, at)),
  }
  await rooms.operations.enqueue(operation, refused === null ? [...new Set(holds)] : [])
  const { state, kind, reason } = operation
  await rooms.events.add({
    at,
    accountId,
    type: `operation.${state}`,
    resourceKind: target.kind,
    resourceId: target.id,
    data: { operationId: id, kind, ...(refused === null ? {} : { reason }) },
  })
  return operation
}

const undoneAtOnce = (fault: Fault, at: number) => ({
  state: "undone" as const,
  message: "refused",
  reason: explain(fault),
  fault,
  reservedBytes: 0,
  startedAt: at,
  endedAt: at,
})
