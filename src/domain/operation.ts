import type { Fault } from "./fault.ts"
import type { AccountId, OperationId, UserId } from "./ids.ts"

/**
 * Anything that takes time. `done`: it happened. `undone`: it failed and everything was taken
 * back. `stuck`: taking it back failed too, and a person must look.
 */
export type OperationState = "queued" | "running" | "undoing" | "done" | "undone" | "stuck"
export const endings: readonly OperationState[] = ["done", "undone", "stuck"]
export const hasEnded = (state: OperationState): boolean => endings.includes(state)

export type Operation = {
  id: OperationId
  /** The saga's name, such as `snapshot-create`, and the version of its list of steps. */
  kind: string
  version: number
  accountId: AccountId
  userId: UserId | null
  node: string
  state: OperationState
  params: unknown
  /** What the operation is about, in one pair: shown to people, used to find it. */
  targetKind: string
  targetId: string
  /** The machine or volume it is done to; a snapshot's source. Its history is found by it. */
  subjectId: string
  /** Who asked, and how; null for our own work. */
  caller: Caller | null
  /** 0 to 100; never falls. */
  progress: number
  message: string
  reason: string | null
  fault: Fault | null
  /** Bytes on disk it may come to need; set aside for it until it ends. */
  reservedBytes: number
  /** Somebody asked that it be given up; it is undone if it still can be. */
  cancelled: boolean
  /** Nobody wants to see it any more; its work goes on. */
  dismissed: boolean
  fence: number
  leaseUntil: number
  createdAt: number
  startedAt: number | null
  endedAt: number | null
}

/** Through which face, from which address, and with which SSH key where one was used. */
export type Caller = { face: string; address: string; key: string | null }

/** One line of an operation's log; the log alone decides where a restart goes on. */
export type LogEvent = "started" | "done" | "failed" | "undone" | "undo-failed"
export type LogEntry = {
  step: string
  event: LogEvent
  output: unknown
  reason: string | null
  fault: Fault | null
  at: number
}

/** What the outside is told as it happens; `id` grows by one and never repeats. */
export type Event = {
  id: number
  at: number
  accountId: AccountId | null
  /** Such as `operation.progress`, `snapshot.ready`, `machine.stopped`. */
  type: string
  resourceKind: string
  resourceId: string
  data: unknown
}
