/**
 * Work that engines want to do on their own storage, made into operations: so it is durable, has
 * progress, can be cancelled, and is seen. A few at a time; one that failed (a full disk, mostly)
 * is tried again later, and later still.
 */
import type { Upkeep } from "../engines/engine.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { upkeep } from "../operations/upkeep.ts"
import { accept } from "./accept.ts"
import type { Context } from "./context.ts"
import { mustHaveSpace } from "./free-space.ts"
import { steward } from "./janitor.ts"

const atOnce = 2
const firstWaitMs = 10_000
const longestWaitMs = 3_600_000

export function openUpkeep(context: Context, engineNames: readonly string[]) {
  /** When work that failed may be tried again, and how long it waits after the next failure. */
  const waiting = new Map<string, { until: number; waitMs: number }>()
  let looking: Promise<void> | undefined
  let again = false

  async function look(): Promise<void> {
    const { ledger } = context
    const running = { kind: upkeep.name, state: ["queued", "running", "undoing"] as const }
    let room = atOnce - (await ledger.read.operations.count(running))
    for (const engine of engineNames) {
      if (room <= 0) return
      for (const work of await context.engine(engine).upkeep()) {
        if (room <= 0) break
        if ((waiting.get(work.id)?.until ?? 0) > context.clock()) continue
        if ((await ledger.read.operations.holding(work.id)).length > 0) continue
        const begun = await begin(context, engine, work)
        if (begun.ok) room -= 1
      }
    }
  }

  return {
    /** Looks for work; asked while it looks, it looks once more. Never throws for want of space. */
    async look(): Promise<void> {
      again = true
      while (again) {
        looking ??= look().finally(() => {
          looking = undefined
        })
        again = false
        await looking
      }
    },
    ended(work: Upkeep["id"], state: string): void {
      if (state === "done") return void waiting.delete(work)
      const waitMs = Math.min(longestWaitMs, (waiting.get(work)?.waitMs ?? firstWaitMs / 2) * 2)
      waiting.set(work, { until: context.clock() + waitMs, waitMs })
    },
  }
}

/** The house's own work: it counts towards nobody's quota, and no tenant is told of it. */
async function begin(context: Context, engine: string, { id: work, volume, bytes }: Upkeep) {
  const who = await steward(context)
  const plan = async (rooms: Rooms) => {
    // What guests may yet need stays free; what gives space back copies nothing.
    if (bytes > 0) await mustHaveSpace(rooms, context, bytes)
    return {
      resource: null,
      accountId: who.accountId,
      target: { kind: "volume", id: volume } as const,
      holds: [work],
      params: { engine, work },
    }
  }
  return await accept(context, { who }, { saga: upkeep, plan })
}
