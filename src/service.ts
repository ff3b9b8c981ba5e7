/**
 * The service without its doors: everything opened in order, yesterday's work picked up. `main`
 * puts faces in front of it; tests and benchmarks use it as it is.
 */
import { join } from "node:path"
import type { Logger } from "pino"
import { startChores, type UpkeepWhen } from "./chores.ts"
import { ensureAdmin } from "./core/accounts.ts"
import { type CapacityParts, openCapacity } from "./core/capacity.ts"
import type { Context } from "./core/context.ts"
import { freeSpace } from "./core/free-space.ts"
import { makeRoom, tidyUp } from "./core/janitor.ts"
import { openCore } from "./core/open.ts"
import { type AccountId, newId } from "./domain/ids.ts"
import type { Operation, OperationState } from "./domain/operation.ts"
import type { EngineHouse } from "./engines/engine.ts"
import type { Host } from "./hosts/host.ts"
import type { Ledger } from "./ledger/ledger.ts"
import { pickUp } from "./machines.ts"
import { openMetrics } from "./metrics.ts"
import { type Executor, openExecutor } from "./operations/executor.ts"
import { sagas } from "./operations/registry.ts"
import type { OperationLimits } from "./operations/tools.ts"
import { newTransfers } from "./operations/transfers.ts"

export type Parts = {
  dataDir: string
  ledger: Ledger
  engines: Readonly<Record<string, EngineHouse>>
  /** The engine new volumes are made with. */
  engineName: string
  hosts: readonly Host[]
  adminToken: string
  limits: OperationLimits
  capacity: CapacityParts
  log: Logger
  version: string
  retryMs?: readonly number[]
  upkeep?: UpkeepWhen
}

const leaseMs = 30_000
const defaultRetryMs = [200, 1_000, 5_000]

export async function openService(parts: Parts) {
  const { ledger } = parts
  const clock = () => Date.now()
  const node = await nodeName(ledger)
  const adminId = await ensureAdmin(ledger, parts.adminToken, clock())
  const metrics = openMetrics()
  metrics.countRows(ledger)
  const transfers = newTransfers()
  const afterwards = new Set<(operation: Operation, state: OperationState) => void>()
  const ended = (operation: Operation, state: OperationState) => {
    for (const each of afterwards) each(operation, state)
  }
  const { executor, wake } = openWork({ parts, node, clock, transfers, metrics, ended })
  const engine = (name: string) => named(parts.engines, name).with(ledger.engineMemory(name))
  const engineNames = Object.keys(parts.engines)
  const capacity = openCapacity(parts.capacity, { ledger, engine, engineNames, clock })
  const context: Context = {
    ledger,
    node,
    engineName: parts.engineName,
    engine,
    host: (kind) => ofKind(parts.hosts, kind),
    hosts: parts.hosts,
    transfers,
    turns: new Map(),
    wake,
    giveUp: (id) => executor.cancel(id),
    clock,
    limits: parts.limits,
    capacity,
    adminAccount: async (): Promise<AccountId> => adminId,
    version: parts.version,
  }
  metrics.watchSpace(() => freeSpace(ledger.read, context))
  afterwards.add(capacity.ended)
  const core = openCore({ ...context, metrics: metrics.text })
  await pickUp(context, parts)
  const { log, upkeep = "by-itself" } = parts
  const chores = startChores(context, core, { engineNames, log, upkeep })
  afterwards.add(chores.ended)
  executor.wake()
  return {
    core,
    executor,
    metrics,
    tidyUp: () => tidyUp(context, core),
    makeRoom: () => makeRoom(context, core),
    upkeep: chores.upkeep,
    async close(graceMs: number) {
      chores.stop()
      await executor.close(graceMs)
      for (const host of parts.hosts) await host.close()
      for (const [name, house] of Object.entries(parts.engines)) {
        await house.with(ledger.engineMemory(name)).close()
      }
      await ledger.close()
    },
  }
}

function openWork(wiring: {
  parts: Parts
  node: string
  clock(): number
  transfers: ReturnType<typeof newTransfers>
  metrics: ReturnType<typeof openMetrics>
  ended(operation: Operation, state: OperationState): void
}): { executor: Executor; wake: Executor["wake"] } {
  const { parts, node, clock, transfers, metrics, ended } = wiring
  const { ledger, log } = parts
  const executor = openExecutor({
    ledger,
    node,
    sagas,
    clock,
    // Most of what is under way waits: for bytes from a client, for a guest to answer. A small
    // number would let a few slow ones keep everybody's quick ones out.
    concurrency: 600,
    leaseMs,
    retryMs: parts.retryMs ?? defaultRetryMs,
    log: (level, message, details) => log[level](details, message),
    ended: (operation, state) => {
      const { kind, createdAt } = operation
      metrics.operationEnded(kind, state, (clock() - createdAt) / 1000)
      ended(operation, state)
    },
    toolsFor: ({ operation: { id, fence } }) => ({
      read: ledger.read,
      engine: (name) => named(parts.engines, name).with(ledger.engineMemory(name, { id, fence })),
      host: (kind) => ofKind(parts.hosts, kind),
      hosts: parts.hosts,
      transfers,
      scratchDir: join(parts.dataDir, "work", id),
      limits: parts.limits,
    }),
  })
  return { executor, wake: (queued) => executor.wake(queued) }
}

async function nodeName(ledger: Ledger): Promise<string> {
  const there = await ledger.setting("node")
  if (there !== undefined) return there
  const node = newId()
  await ledger.set("node", node)
  return node
}

function named(engines: Parts["engines"], name: string): EngineHouse {
  const house = engines[name]
  if (house === undefined) throw new Error(`no engine ${name} is configured`)
  return house
}

function ofKind(hosts: readonly Host[], kind: Host["kind"]): Host {
  const host = hosts.find((each) => each.kind === kind)
  if (host === undefined) throw new Error(`no host runs ${kind}s here`)
  return host
}
