/**
 * Where there may be work. Nobody who waits is looked at over and over: what was just queued is
 * tried once, and then again when it comes to be first in a queue that somebody left. Everything
 * there is is gone through at the start, and now and then.
 */
import type { OperationId } from "../domain/ids.ts"
import type { Claim } from "../ledger/ledger.ts"
import type { ExecutorOptions } from "./options.ts"

export interface Claims {
  lookEverywhere(): void
  queued(ids: readonly OperationId[]): void
  freed(resources: readonly string[]): void
  /** At most so many, and none only if there are none; `except`: what is under way already. */
  next(atMost: number, except: readonly OperationId[]): Promise<Claim[]>
}

export function newClaims({
  ledger,
  node,
  clock,
  leaseMs,
}: Pick<ExecutorOptions, "ledger" | "node" | "clock" | "leaseMs">): Claims {
  let everywhere = false
  const waiting = new Set<OperationId>()
  const left = new Set<string>()

  async function oldest(except: readonly OperationId[]): Promise<Claim | undefined> {
    everywhere = false
    const claim = await ledger.claim(node, clock(), leaseMs, except)
    if (claim !== undefined) everywhere = true
    return claim
  }

  /** Those that are first now where somebody left. */
  async function followers(): Promise<void> {
    const resources = [...left]
    left.clear()
    for (const { id, state } of (await ledger.read.operations.firstHolding(resources)).values()) {
      if (state === "queued") waiting.add(id)
    }
  }

  return {
    lookEverywhere() {
      everywhere = true
    },
    queued(ids) {
      for (const id of ids) waiting.add(id)
    },
    freed(resources) {
      for (const resource of resources) left.add(resource)
    },
    async next(atMost, except) {
      try {
        const claim = everywhere ? await oldest(except) : undefined
        if (claim !== undefined) return [claim]
        if (left.size > 0) await followers()
        while (waiting.size > 0) {
          const ids = [...waiting].slice(0, atMost)
          for (const id of ids) waiting.delete(id)
          const claims = await ledger.claimThese(ids, node, clock(), leaseMs)
          if (claims.length > 0) return claims
        }
        return []
      } catch (cause) {
        // Who was tried is not known any more.
        everywhere = true
        throw cause
      }
    },
  }
}
