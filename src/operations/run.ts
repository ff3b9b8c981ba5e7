/**
 * Runs one claimed operation from wherever its log says it stopped, to its end.
 *
 * Invariants: a step the log calls done is never done again; every step that started is undone
 * when a later one fails; what a step records is written in the transaction that logs it as done;
 * claiming an operation starts its first step, every other start is logged with the end of the
 * step before it. So an operation of one step costs two commits beside the step's own.
 */
import type { Fault } from "../domain/fault.ts"
import type { LogEntry, LogEvent, OperationState } from "../domain/operation.ts"
import type { Claim, Rooms } from "../ledger/ledger.ts"
import type { ExecutorOptions } from "./options.ts"
import {
  attempt,
  type Outcome,
  ownFailure,
  RecordBroken,
  recording,
  stubborn,
  untilCancelled,
} from "./outcome.ts"
import { progressOf } from "./progress.ts"
import { refuse } from "./refuse.ts"
import { type AnySaga, type AnyStep, canGoBack } from "./saga.ts"
import type { Tools } from "./tools.ts"

type Run = {
  claim: Claim
  options: ExecutorOptions
  saga: AnySaga
  log: LogEntry[]
  tools: Tools
  signal: AbortSignal
  /** Aborted when somebody asked that the operation be given up. */
  cancelled: AbortSignal
  progress: ReturnType<typeof progressOf>
}

export async function runClaim(
  claim: Claim,
  options: ExecutorOptions,
  { signal, cancelled }: { signal: AbortSignal; cancelled: AbortSignal },
): Promise<void> {
  const { operation } = claim
  const saga = options.sagas.get(`${operation.kind}@${operation.version}`)
  if (saga === undefined) return await refuse(claim, options)
  const progress = progressOf(claim, saga, options)
  const tools: Tools = {
    ...options.toolsFor(claim),
    operationId: operation.id,
    report: progress.report,
    tell: progress.tell,
    clock: options.clock,
    signal,
  }
  const log = [...claim.log]
  const run: Run = { claim, options, saga, log, tools, signal, cancelled, progress }
  if (operation.state !== "undoing") {
    for (const [index, step] of saga.steps.entries()) {
      if (failed(run)) break
      if (happened(run, step, "done")) continue
      const went = await forward(run, step, saga.steps[index + 1])
      if (went === "ended") return
    }
  }
  await back(run)
}

const happened = (run: Run, step: AnyStep, event: LogEvent) =>
  run.log.some((entry) => entry.step === step.name && entry.event === event)

/** A forward-only step's failure is not a reason to go back; it is tried again. */
function failed(run: Run): LogEntry | undefined {
  const final = new Set(
    run.saga.steps.flatMap(({ name, forwardOnly }) => (forwardOnly ? [] : name)),
  )
  return run.log.find(({ event, step }) => event === "failed" && final.has(step))
}

function known(run: Run): object {
  const done = run.log.filter((entry) => entry.event === "done")
  const outputs = Object.fromEntries(done.map((entry) => [entry.step, entry.output]))
  return { ...(run.claim.operation.params as object), ...outputs }
}

async function forward(
  run: Run,
  step: AnyStep,
  next: AnyStep | undefined,
): Promise<"on" | "ended"> {
  run.progress.begin(step)
  if (step.forwardOnly) {
    const outcome = await stubborn(run, () => doStep(run, step))
    if (outcome.ok) return await succeed(run, step, next, outcome.value)
    return await end(run, "stuck", outcome, [failure(run, step, outcome)])
  }
  const outcome = await doStep(run, step)
  if (outcome.ok) return await succeed(run, step, next, outcome.value)
  const entry = failure(run, step, outcome)
  await write(run, async (rooms) => {
    await append(run, rooms, entry)
    const { reason, fault } = outcome
    await rooms.operations.change(run.claim.operation.id, { state: "undoing", reason, fault })
  })
  run.log.push(entry)
  return "on"
}

async function succeed(
  run: Run,
  step: AnyStep,
  next: AnyStep | undefined,
  output: unknown = null,
): Promise<"on" | "ended"> {
  const entries: LogEntry[] = [{ ...blank(run, step), event: "done", output }]
  const record = (rooms: Rooms) =>
    recording(async () => await step.record?.(rooms, { ...known(run), output } as never))
  if (next !== undefined) entries.push({ ...blank(run, next), event: "started" })
  try {
    if (next === undefined) return await end(run, "done", null, entries, record)
    const freed = step.frees?.(known(run) as never) ?? []
    await write(run, async (rooms) => {
      await record(rooms)
      for (const entry of entries) await append(run, rooms, entry)
      if (freed.length > 0) await rooms.operations.release(run.claim.operation.id, freed)
      await run.progress.save(rooms)
    })
    if (freed.length > 0) run.options.freed?.(freed)
  } catch (cause) {
    return await endBroken(run, step, cause)
  }
  run.log.push(...entries)
  return "on"
}

async function endBroken(run: Run, step: AnyStep, cause: unknown): Promise<"ended"> {
  if (!(cause instanceof RecordBroken)) throw cause
  const { id, kind } = run.claim.operation
  run.options.log("error", "a step cannot be recorded", {
    operation: id,
    kind,
    step: step.name,
    cause,
  })
  const why = { reason: ownFailure(id), fault: null }
  return await end(run, "stuck", why, [])
}

/** Undoes what was *started*, not what finished: a step that died half-way touched the world. */
async function back(run: Run): Promise<void> {
  const cause = failed(run)
  const reason = cause?.reason ?? "cancelled"
  const started = run.saga.steps.filter(
    (step, index) => index === 0 || happened(run, step, "started"),
  )
  for (const step of started.reverse()) {
    if (happened(run, step, "undone")) continue
    const outcome = await stubborn(run, () =>
      attempt(run, async () => await step.undo?.(run.tools as never, known(run) as never)),
    )
    if (!outcome.ok) {
      const entry: LogEntry = { ...failure(run, step, outcome), event: "undo-failed" }
      await end(run, "stuck", outcome, [entry])
      return
    }
    const entry: LogEntry = { ...blank(run, step), event: "undone" }
    const recalled = { ...known(run), reason, undone: outcome.value }
    try {
      await write(run, async (rooms) => {
        await recording(async () => await step.unrecord?.(rooms, recalled as never))
        await append(run, rooms, entry)
      })
    } catch (cause) {
      await endBroken(run, step, cause)
      return
    }
    run.log.push(entry)
  }
  await end(run, "undone", { reason, fault: cause?.fault ?? null }, [])
}

type Why = { reason: string; fault: Fault | null } | null

/** Given up until it is past its point of no return; what the step did meanwhile is undone. */
async function doStep(run: Run, step: AnyStep): Promise<Outcome> {
  if (!canGoBack(run.saga, run.log, step)) {
    return await attempt(run, async () => await step.do?.(run.tools as never, known(run) as never))
  }
  const tools = { ...run.tools, signal: AbortSignal.any([run.signal, run.cancelled]) }
  return await untilCancelled(run, async () => await step.do?.(tools as never, known(run) as never))
}

const blank = (run: Run, step: AnyStep) => ({
  step: step.name,
  output: null,
  reason: null,
  fault: null,
  at: run.options.clock(),
})

const failure = (
  run: Run,
  step: AnyStep,
  { reason, fault }: { reason: string; fault: Fault | null },
): LogEntry => ({ ...blank(run, step), event: "failed", reason, fault })

const write = <T>(run: Run, work: (rooms: Rooms) => Promise<T>): Promise<T> =>
  run.options.ledger.fenced(run.claim.operation.id, run.claim.operation.fence, work)

const append = (run: Run, rooms: Rooms, entry: LogEntry) =>
  rooms.operations.append(run.claim.operation.id, entry)

async function end(
  run: Run,
  state: OperationState,
  why: Why,
  entries: readonly LogEntry[],
  record?: (rooms: Rooms) => Promise<void>,
): Promise<"ended"> {
  const { operation } = run.claim
  const freed = await write(run, async (rooms) => {
    await record?.(rooms)
    for (const entry of entries) await append(run, rooms, entry)
    // A stuck operation keeps its place at the head of its queues: whatever came after it would
    // work on things that are neither as they were nor as they were to be.
    const freed = state === "stuck" ? [] : await rooms.operations.release(operation.id)
    await rooms.operations.change(operation.id, {
      state,
      endedAt: run.options.clock(),
      reason: why?.reason ?? null,
      fault: why?.fault ?? null,
      reservedBytes: 0,
      ...(state === "done" ? { progress: 100, message: run.progress.lastWords() } : {}),
    })
    await rooms.events.add({
      at: run.options.clock(),
      accountId: operation.accountId,
      type: `operation.${state}`,
      resourceKind: operation.targetKind,
      resourceId: operation.targetId,
      data: { operationId: operation.id, kind: operation.kind, reason: why?.reason ?? null },
    })
    return freed
  })
  run.log.push(...entries)
  run.options.freed?.(freed)
  run.options.ended?.(operation, state)
  return "ended"
}
