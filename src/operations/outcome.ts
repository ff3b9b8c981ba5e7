/** What can become of a step's work, and what is neither its success nor its failure. */
import { setTimeout as sleep } from "node:timers/promises"
import { type Fault, Refusal } from "../domain/fault.ts"
import type { OperationId } from "../domain/ids.ts"
import { type Claim, ClaimLost } from "../ledger/ledger.ts"
import type { ExecutorOptions } from "./options.ts"

export type Outcome =
  | { ok: true; value: unknown }
  | { ok: false; reason: string; fault: Fault | null }

type Attempting = { claim: Claim; options: ExecutorOptions; signal: AbortSignal }

/**
 * Failures of the ledger, and being told to stop, are outside of what a step can fail with: they
 * go up, nothing is logged, and the operation goes on from its log another time.
 */
export async function attempt(run: Attempting, work: () => Promise<unknown>): Promise<Outcome> {
  try {
    return { ok: true, value: await work() }
  } catch (cause) {
    if (cause instanceof ClaimLost || run.signal.aborted) throw cause
    if (cause instanceof Refusal) return { ok: false, reason: cause.message, fault: cause.fault }
    const { id, kind } = run.claim.operation
    run.options.log("error", "a step failed", { operation: id, kind, cause })
    return { ok: false, reason: ownFailure(id), fault: null }
  }
}

/** Reasons are told to tenants; what else goes wrong may name files and programs of the house. */
export const ownFailure = (id: OperationId) =>
  `the service failed; why is in its log, under operation ${id}`

/**
 * The same for work that may be given up on request. It may have come to its end all the same: it
 * has failed then too, and is undone like any other failure.
 */
export async function untilCancelled(
  run: Attempting & { cancelled: AbortSignal },
  work: () => Promise<unknown>,
): Promise<Outcome> {
  const { cancelled } = run
  const outcome = await attempt(run, async () => {
    try {
      cancelled.throwIfAborted()
      return await work()
    } catch (cause) {
      if (cause instanceof ClaimLost || !cancelled.aborted) throw cause
      throw cancelled.reason
    }
  })
  return cancelled.aborted ? { ok: false, reason: "cancelled", fault: null } : outcome
}

/** Why a step is given up; what the step itself then throws is of no interest. */
export const cancellation = () => new Refusal({ kind: "interrupted", what: "the operation" })

/**
 * For what cannot be taken back. A disk that is full is nothing for a person to look at once there
 * is space again, so that is waited for, however long it takes.
 */
export async function stubborn(run: Attempting, work: () => Promise<Outcome>): Promise<Outcome> {
  const { retryMs } = run.options
  for (let tries = 0; ; tries += 1) {
    const outcome = await work()
    if (tries === retryMs.length && lacksSpace(outcome)) {
      const { id, kind } = run.claim.operation
      run.options.log("warn", "an operation waits for space", { operation: id, kind })
    }
    const waitMs = retryMs[tries] ?? (lacksSpace(outcome) ? retryMs.at(-1) : undefined)
    if (outcome.ok || waitMs === undefined) return outcome
    await sleep(waitMs, undefined, { signal: run.signal })
  }
}

const lacksSpace = (outcome: Outcome) => !outcome.ok && outcome.fault?.kind === "no-space"

/** A bug of ours, not a failure of the ledger: trying again would fail for ever. */
export class RecordBroken extends Error {}

export async function recording(work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (cause) {
    const ofLedger = cause instanceof Error && "code" in cause
    if (cause instanceof ClaimLost || cause instanceof Refusal || ofLedger) throw cause
    throw new RecordBroken(cause instanceof Error ? cause.message : String(cause), { cause })
  }
}
