/**
 * Carries operations out: claims what may run, keeps its lease, and ends it. How one operation
 * is run from its log is in `run.ts`; here is only who runs what, and when.
 */
import type { OperationId } from "../domain/ids.ts"
import type { Operation } from "../domain/operation.ts"
import { type Claim, ClaimLost } from "../ledger/ledger.ts"
import { newClaims } from "./claims.ts"
import type { ExecutorOptions } from "./options.ts"
import { cancellation } from "./outcome.ts"
import { runClaim } from "./run.ts"

export interface Executor {
  /** Look what may run: these, which were queued, or whatever there is. */
  wake(queued?: readonly OperationId[]): void
  /** It was marked as cancelled in the ledger: if it is under way here, it learns of it now. */
  cancel(id: OperationId): void
  /** Resolves when nothing is under way and nothing may be claimed. */
  idle(): Promise<void>
  /** Claims nothing more; operations under way are left for the next start to go on with. */
  close(graceMs: number): Promise<void>
}

export function openExecutor(options: ExecutorOptions): Executor {
  const underWay = new Map<OperationId, Promise<void>>()
  const cancelling = new Map<OperationId, AbortController>()
  const stopping = new AbortController()
  const claims = newClaims(options)
  let claiming: Promise<void> | undefined
  let again = false

  const work = async (claim: Claim) => {
    const { operation } = claim
    const lost = new AbortController()
    const cancelled = new AbortController()
    cancelling.set(operation.id, cancelled)
    if (operation.cancelled) cancelled.abort(cancellation())
    const renewing = renewed(options, operation, (cause) => lost.abort(cause))
    const freed = (resources: readonly string[]) => {
      claims.freed(resources)
      executor.wake([])
    }
    try {
      const signal = AbortSignal.any([stopping.signal, lost.signal])
      await runClaim(claim, { ...options, freed }, { signal, cancelled: cancelled.signal })
    } catch (cause) {
      if (!(cause instanceof ClaimLost) && !stopping.signal.aborted) {
        // The ledger itself failed: we know nothing, so nothing is decided here. The lease runs
        // out, and whoever claims the operation next goes on from its log.
        options.log("error", "an operation was left where it was", {
          operation: operation.id,
          cause,
        })
      }
    } finally {
      clearInterval(renewing)
      underWay.delete(operation.id)
      cancelling.delete(operation.id)
      executor.wake(hasQueued(operation.params) ? undefined : [])
    }
  }

  // Whatever kept an operation from going on (a full disk, a lease that had to run out) may pass
  // without anybody asking for anything.
  const looking = setInterval(() => executor.wake(), options.leaseMs / 6)
  looking.unref()

  const claimAll = async () => {
    do {
      again = false
      while (underWay.size < options.concurrency && !stopping.signal.aborted) {
        const room = options.concurrency - underWay.size
        const claimed = await claims.next(room, [...underWay.keys()])
        if (claimed.length === 0) break
        for (const claim of claimed) underWay.set(claim.operation.id, work(claim))
      }
    } while (again && !stopping.signal.aborted)
  }

  const executor: Executor = {
    wake(queued) {
      if (queued === undefined) claims.lookEverywhere()
      else claims.queued(queued)
      again = true
      if (claiming !== undefined || stopping.signal.aborted) return
      claiming = claimAll()
        .catch((cause) => options.log("error", "operations cannot be claimed", { cause }))
        .finally(() => {
          claiming = undefined
          if (again && underWay.size < options.concurrency) executor.wake([])
        })
    },
    cancel: (id) => cancelling.get(id)?.abort(cancellation()),
    async idle() {
      while (claiming !== undefined || underWay.size > 0) {
        await claiming
        await Promise.allSettled(underWay.values())
      }
    },
    async close(graceMs) {
      clearInterval(looking)
      stopping.abort(new Error("the service is stopping"))
      await claiming
      const timer = Promise.withResolvers<void>()
      const handle = setTimeout(timer.resolve, graceMs)
      await Promise.race([Promise.allSettled(underWay.values()), timer.promise])
      clearTimeout(handle)
    },
  }
  return executor
}

/** A snapshot in the place of others has queued their deletions, in its own transaction. */
const hasQueued = (params: unknown) => Object.hasOwn(params as object, "replaces")

/** Keeps the lease until the timer is cleared. */
function renewed(
  { ledger, clock, leaseMs }: ExecutorOptions,
  { id, fence }: Operation,
  lost: (cause: ClaimLost) => void,
): NodeJS.Timeout {
  return setInterval(() => {
    ledger.renew(id, fence, clock() + leaseMs).catch((cause) => {
      // A ledger that cannot be written just now has not given the operation to anyone else.
      if (cause instanceof ClaimLost) lost(cause)
    })
  }, leaseMs / 3)
}
