/**
 * What the service does unasked while it runs: time passes, guests stand still, machines end,
 * engines tidy their storage. None of it is in anybody's way, and none of it fails anything.
 */
import type { Logger } from "pino"
import type { Context } from "./core/context.ts"
import type { Core } from "./core/core.ts"
import { freeSpace } from "./core/free-space.ts"
import { makeRoom, steward, tidyUp } from "./core/janitor.ts"
import { openUpkeep } from "./core/upkeep.ts"
import type { Operation, OperationState } from "./domain/operation.ts"
import {
  hungMachines,
  letOverdueGo,
  noteMissedEnds,
  tendLost,
  tendStandstills,
} from "./machines.ts"
import type { UpkeepWork } from "./operations/upkeep.ts"

const tidyEveryMs = 60_000
const tendEveryMs = 5_000
/** Upkeep waits for a quiet moment, but not for ever. */
const quietMs = 1_000
const latestMs = 5_000

/** `asked`: engines work on their storage only when a test says so. */
export type UpkeepWhen = "by-itself" | "asked"

export function startChores(
  context: Context,
  core: Core,
  options: { engineNames: readonly string[]; log: Logger; upkeep: UpkeepWhen },
) {
  const { log } = options
  const upkeep = openUpkeep(context, options.engineNames)
  const bySelf = options.upkeep === "by-itself"
  const timers: NodeJS.Timeout[] = []
  const every = (ms: number, what: string, ...works: (() => Promise<unknown>)[]) => {
    const fails = (cause: unknown) => log.error({ cause }, `${what} failed`)
    const round = () => void works.forEach((work) => void work().catch(fails))
    timers.push(setInterval(round, ms).unref())
  }
  const lookSoon = whenQuiet(() => {
    upkeep.look().catch((cause) => log.error({ cause }, "upkeep cannot be begun"))
  })
  const hangs = hungMachines(context, async ({ id, kind }) => {
    await context.host(kind).stop(id, 0)
    return await core.machines.start({ who: await steward(context) }, id)
  })
  const isThereSpace = async () => !(await freeSpace(context.ledger.read, context)).paused
  every(
    tidyEveryMs,
    "tidying up",
    () => tidyUp(context, core),
    () => noteMissedEnds(context),
    async () => (bySelf ? lookSoon.call() : undefined),
  )
  every(
    tendEveryMs,
    "tending machines",
    () => letOverdueGo(context, context.clock(), log, hangs),
    () => tendStandstills(context, isThereSpace),
    () => tendLost(context, hangs),
    () => makeRoom(context, core),
  )
  if (bySelf) lookSoon.call()
  return {
    /** For every operation that ends: it may have left work behind. */
    ended({ kind, params }: Operation, state: OperationState): void {
      if (kind === "upkeep") upkeep.ended((params as UpkeepWork).work, state)
      if (bySelf) lookSoon.call()
    },
    upkeep: () => upkeep.look(),
    stop(): void {
      for (const timer of timers) clearInterval(timer)
      lookSoon.cancel()
    },
  }
}

/** Once, after the last of several calls that came close together. */
function whenQuiet(work: () => void) {
  let timer: NodeJS.Timeout | undefined
  let firstAt: number | undefined
  return {
    call(): void {
      const now = performance.now()
      firstAt ??= now
      clearTimeout(timer)
      const waitMs = Math.max(0, Math.min(quietMs, firstAt + latestMs - now))
      timer = setTimeout(() => {
        firstAt = undefined
        work()
      }, waitMs).unref()
    },
    cancel: () => clearTimeout(timer),
  }
}
