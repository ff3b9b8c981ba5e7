import { z } from "zod"
import type { OperationView } from "../../../core/core.ts"
import { explain, type Fault } from "../../../domain/fault.ts"
import type { LogEntry, Operation as Row } from "../../../domain/operation.ts"
import {
  components,
  pageOf,
  pageQuery,
  queryFlag,
  queryNumberOr,
  time,
  toTime,
  toTimeOrNull,
  uuid,
} from "./words.ts"

export const OperationQuery = z.strictObject({
  ...pageQuery,
  targetId: z.exactOptional(z.string().max(255)),
  subjectId: z.exactOptional(z.string().max(255)),
  unended: z.exactOptional(queryFlag),
  allAccounts: z.exactOptional(queryFlag),
})

/** `wait`: so many seconds for its end. */
export const WaitQuery = z.strictObject({
  wait: queryNumberOr(0, 0, 60),
})

const FaultShown = z
  .looseObject({ kind: z.string(), detail: z.string() })
  .describe("The kind, and the fields that a problem of this kind has.")
  .register(components, { id: "Fault" })

const renderFault = (fault: Fault): z.infer<typeof FaultShown> => ({
  ...fault,
  detail: explain(fault),
})

const summary = {
  id: uuid,
  kind: z.string(),
  state: z.enum(["queued", "running", "undoing", "done", "undone", "stuck"]),
  target: z.object({ kind: z.string(), id: z.string() }),
  subjectId: z.string().describe("What it is done to; of a snapshot's, its source."),
  caller: z
    .object({ face: z.string(), address: z.string(), key: z.string().nullable() })
    .nullable()
    .describe("Through what it was asked for, and where from; null for work nobody asked for."),
  progress: z.number().min(0).max(100),
  message: z.string(),
  reason: z.string().nullable(),
  fault: FaultShown.nullable(),
  cancelled: z.boolean().describe("It was asked for that it be given up."),
  accountId: uuid,
  createdAt: time,
  startedAt: time.nullable(),
  endedAt: time.nullable(),
}

const OperationSummary = z.object(summary).register(components, { id: "OperationSummary" })
export const OperationPage = pageOf(OperationSummary, "OperationPage")

const OperationStep = z
  .object({
    step: z.string(),
    event: z.enum(["started", "done", "failed", "undone", "undo-failed"]),
    at: time,
    reason: z.string().nullable(),
  })
  .register(components, { id: "OperationStep" })

export const Operation = z
  .object({ ...summary, steps: z.array(OperationStep) })
  .register(components, { id: "Operation" })

export const renderSummary = (operation: Row): z.infer<typeof OperationSummary> => ({
  id: operation.id,
  kind: operation.kind,
  state: operation.state,
  target: { kind: operation.targetKind, id: operation.targetId },
  subjectId: operation.subjectId,
  caller: operation.caller,
  progress: operation.progress,
  message: operation.message,
  reason: operation.reason,
  fault: operation.fault === null ? null : renderFault(operation.fault),
  cancelled: operation.cancelled,
  accountId: operation.accountId,
  createdAt: toTime(operation.createdAt),
  startedAt: toTimeOrNull(operation.startedAt),
  endedAt: toTimeOrNull(operation.endedAt),
})

const renderStep = (entry: LogEntry): z.infer<typeof OperationStep> => ({
  step: entry.step,
  event: entry.event,
  at: toTime(entry.at),
  reason: entry.reason,
})

export const renderOperation = (operation: OperationView): z.infer<typeof Operation> => ({
  ...renderSummary(operation),
  steps: operation.log.map(renderStep),
})
