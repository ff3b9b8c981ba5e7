/**
 * The service without its doors: everything opened in order, yesterday's work picked up. `main`
 * puts faces in front of it; tests and benchmarks use it as it is.
 */
import { join } from "node:path"
import type { Logger } from "pino"
import { ensureAdmin } from "./core/accounts.ts"
import type { Context } from "./core/context.ts"
import { tidyUp } from "./core/janitor.ts"
import { openCore } from "./core/open.ts"
import { type AccountId, newId } from "./domain/ids.ts"
import type { EngineHouse } from "./engines/engine.ts"
import type { Host } from "./hosts/host.ts"
import type { Ledger } from "./ledger/ledger.ts"
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
  log: Logger
  version: string
  retryMs?: readonly number[]
}

const leaseMs = 30_000
const tidyEveryMs = 60_000
const defaultRetryMs = [200, 1_000, 5_000]

export async function openService(parts: Parts) {
  const { ledger, log } = parts
  const clock = () => Date.now()
  const node = await nodeName(ledger)
  const adminId = await ensureAdmin(ledger, parts.adminToken, clock())
  const metrics = openMetrics()
  metrics.countRows(ledger)
  const transfers = newTransfers()
  const { executor, wake } = openWork({ parts, node, clock, transfers, metrics })
  const context: Context = {
    ledger,
    node,
    engineName: parts.engineName,
    engine: (name) => named(parts.engines, name).with(ledger.engineMemory(name)),
    host: (kind) => ofKind(parts.hosts, kind),
    hosts: parts.hosts,
    transfers,
    turns: new Map(),
    wake,
    clock,
    limits: parts.limits,
    adminAccount: async (): Promise<AccountId> => adminId,
    version: parts.version,
  }
  const core = openCore({ ...context, metrics: metrics.text })
  await pickUp(context, parts)
  const tidying = setInterval(() => {
    Promise.all([tidyUp(context, core), noteMissedEnds(context)]).catch((cause) =>
      log.error({ cause }, "tidying up failed"),
    )
  }, tidyEveryMs)
  tidying.unref()
  executor.wake()
  return {
    core,
    executor,
    metrics,
    tidyUp: () => tidyUp(context, core),
    async close(graceMs: number) {
      clearInterval(tidying)
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
}): { executor: Executor; wake(): void } {
  const { parts, node, clock, transfers, metrics } = wiring
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
    ended: ({ kind, createdAt }, state) =>
      metrics.operationEnded(kind, state, (clock() - createdAt) / 1000),
    toolsFor: ({ operation: { id, fence } }) => ({
      read: ledger.read,
      engine: (name) => named(parts.engines, name).with(ledger.engineMemory(name, { id, fence })),
      host: (kind) => ofKind(parts.hosts, kind),
      transfers,
      scratchDir: join(parts.dataDir, "work", id),
      limits: parts.limits,
    }),
  })
  return { executor, wake: () => executor.wake() }
}

/** First finish yesterday, then open the door. */
async function pickUp(context: Context, { ledger, engines, hosts, log }: Parts): Promise<void> {
  await ledger.expireLeases(context.node)
  for (const name of Object.keys(engines)) await context.engine(name).recover()
  for (const host of hosts) {
    const known = await ledger.read.machines.find({ node: context.node, kind: host.kind })
    // First, so that one that ends while the others are looked at is heard of.
    host.onExit((id, why) => {
      noteOff(ledger, id, why).catch((cause) => log.error({ cause, machine: id }, "not noted"))
    })
    const living = new Set(await host.adopt(known))
    for (const machine of known) {
      if (machine.state !== "running" || living.has(machine.id)) continue
      await noteOff(ledger, machine.id, "its process ended while the service was not running")
    }
  }
}

/** Every running machine that has no process and no operation: its end was missed somewhere. */
async function noteMissedEnds(context: Context): Promise<void> {
  const { ledger, node, hosts } = context
  for (const host of hosts) {
    const where = { node, kind: host.kind, state: "running" } as const
    for (const { id } of await ledger.read.machines.find(where)) {
      if ((await ledger.read.operations.holding(id)).length > 0) continue
      if ((await host.look(id)) === "gone") await noteOff(ledger, id, "its process is gone")
    }
  }
}

/** A machine that went off by itself; operations that work on it look for themselves. */
async function noteOff(ledger: Ledger, id: string, why: string): Promise<void> {
  await ledger.transaction(async (rooms) => {
    const machine = await rooms.machines.get(id)
    if (machine?.state !== "running") return
    await rooms.machines.change(id, { state: "stopped", process: null, reason: why })
    await rooms.events.add({
      at: Date.now(),
      accountId: machine.accountId,
      type: "machine.stopped",
      resourceKind: "machine",
      resourceId: id,
      data: { reason: why },
    })
  })
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
