/**
 * Carries operations out: claims what may run, keeps its lease, and ends it. How one operation
 * is run from its log is in `run.ts`; here is only who runs what, and when.
 */
import type { OperationId } from "../domain/ids.ts"
import { type Claim, ClaimLost } from "../ledger/ledger.ts"
import type { ExecutorOptions } from "./options.ts"
import { cancellation } from "./outcome.ts"
import { runClaim } from "./run.ts"

export interface Executor {
  /** Something was queued: look. */
  wake(): void
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
  let claiming: Promise<void> | undefined
  let again = false

  const work = async (claim: Claim) => {
    const { operation } = claim
    const lost = new AbortController()
    const cancelled = new AbortController()
    cancelling.set(operation.id, cancelled)
    if (operation.cancelled) cancelled.abort(cancellation())
    const renewing = setInterval(() => {
      options.ledger
        .renew(operation.id, operation.fence, options.clock() + options.leaseMs)
        .catch((cause) => {
          // A ledger that cannot be written just now has not given the operation to anyone else.
          if (cause instanceof ClaimLost) lost.abort(cause)
        })
    }, options.leaseMs / 3)
    try {
      const stepped = () => executor.wake()
      const signal = AbortSignal.any([stopping.signal, lost.signal])
      await runClaim(claim, { ...options, stepped }, { signal, cancelled: cancelled.signal })
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
      executor.wake()
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
        const { node, clock, leaseMs } = options
        const claim = await options.ledger.claim(node, clock(), leaseMs, [...underWay.keys()])
        if (claim === undefined) break
        underWay.set(claim.operation.id, work(claim))
      }
    } while (again && !stopping.signal.aborted)
  }

  const executor: Executor = {
    wake() {
      again = true
      if (claiming !== undefined || stopping.signal.aborted) return
      claiming = claimAll()
        .catch((cause) => options.log("error", "operations cannot be claimed", { cause }))
        .finally(() => {
          claiming = undefined
          if (again && underWay.size < options.concurrency) executor.wake()
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
