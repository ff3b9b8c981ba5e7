/**
 * Machines that live longer than the service: found again when it starts, let go where the last
 * one held them, and noticed when they end or stand still by themselves.
 */
import type { Logger } from "pino"
import type { Context } from "./core/context.ts"
import type { Machine } from "./domain/machine.ts"
import type { Host } from "./hosts/host.ts"
import type { Ledger } from "./ledger/ledger.ts"

type Yesterday = {
  ledger: Ledger
  engines: Readonly<Record<string, unknown>>
  hosts: readonly Host[]
  log: Logger
}

/** First finish yesterday, then open the door. */
export async function pickUp(
  context: Context,
  { ledger, engines, hosts, log }: Yesterday,
): Promise<void> {
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
  // Whoever held a guest for a snapshot is dead: the guest goes on before anything else.
  await letOverdueGo(context, Number.POSITIVE_INFINITY, log)
}

/** Every running machine that has no process and no operation: its end was missed somewhere. */
export async function noteMissedEnds(context: Context): Promise<void> {
  const { ledger, node, hosts } = context
  for (const host of hosts) {
    const where = { node, kind: host.kind, state: "running" } as const
    for (const { id } of await ledger.read.machines.find(where)) {
      if ((await ledger.read.operations.holding(id)).length > 0) continue
      if ((await host.look(id)) === "gone") await noteOff(ledger, id, "its process is gone")
    }
  }
}

/**
 * Every guest that was held for a snapshot, past the instant by which it was to go on: it is let
 * go, and asked again until it answers. Working operations mind their own; this is for those that
 * died, and for guests that did not answer them. One whose process hangs may wake up as it was,
 * held; whoever minds those is told.
 */
export async function letOverdueGo(
  { ledger, node, hosts }: Pick<Context, "ledger" | "node" | "hosts">,
  nowMs: number,
  log: Logger,
  hangs: Pick<Hangs, "told"> = { told: async () => {} },
): Promise<void> {
  for (const host of hosts) {
    const where = { node, kind: host.kind, state: "running" } as const
    for (const machine of await ledger.read.machines.find(where)) {
      const { id, held } = machine
      if (held === null || held.until > nowMs) continue
      try {
        const liveness = await host.look(id)
        if (liveness === "hung") {
          await hangs.told(machine)
          continue
        }
        if (liveness !== "gone") await host.release(id)
      } catch (cause) {
        log.error({ cause, machine: id }, "a guest is held still and does not answer")
        continue
      }
      await ledger.transaction(async (rooms) => {
        const machine = await rooms.machines.get(id)
        if (machine?.held?.until === held.until) await rooms.machines.change(id, { held: null })
      })
    }
  }
}

/** No disk keeps a process waiting for so long, and no load. */
const hungAfterMs = 60_000

export type Hangs = {
  /** It does not answer; told each time that it is looked at. */
  told(machine: Machine): Promise<void>
  /** It was seen at work since. */
  over(id: Machine["id"]): void
}

/**
 * A QEMU that hangs in the middle of writing its guest's memory hangs for good: nothing helps but
 * its end.
 */
export function hungMachines(
  { ledger, clock }: Pick<Context, "ledger" | "clock">,
  startAgain: (machine: Machine) => Promise<unknown>,
): Hangs {
  const looks = new Map<Machine["id"], { first: number; last: number }>()
  const told = async (machine: Machine): Promise<void> => {
    const now = clock()
    const before = looks.get(machine.id)
    // It answered in between if this is not one of a series of looks.
    const fresh = before === undefined || now - before.last > hungAfterMs / 2
    const first = fresh ? now : before.first
    looks.set(machine.id, { first, last: now })
    if (now - first < hungAfterMs) return
    looks.delete(machine.id)
    const why = "it hung while its memory was written: its process is ended, and started again"
    await note(ledger, machine, "machine.hung", why)
    await startAgain(machine)
  }
  return { told, over: (id) => void looks.delete(id) }
}

/** Also those that nobody holds: a memory's writing may be cut off by whoever gets at QEMU. */
export async function tendLost(
  { ledger, node, hosts }: Pick<Context, "ledger" | "node" | "hosts">,
  hangs: Hangs,
): Promise<void> {
  for (const host of hosts) {
    const where = { node, kind: host.kind, state: "running" } as const
    for (const machine of await ledger.read.machines.find(where)) {
      if (await host.lost(machine.id)) await hangs.told(machine)
      // On a slow disk a guest may seem lost again and again, and its memory is written all the
      // same. Who is held is looked at by others, who have their own reasons.
      else if (machine.held === null) hangs.over(machine.id)
    }
  }
}

const standsStill = "its disk is full: the guest stands still until there is space again"

/**
 * A guest whose write found no space was stopped by QEMU before it saw an error. It is shown, and
 * goes on, with that very write, once there is space.
 */
export async function tendStandstills(
  { ledger, node, hosts }: Context,
  isThereSpace: () => Promise<boolean>,
): Promise<void> {
  for (const host of hosts) {
    const where = { node, kind: host.kind, state: "running" } as const
    for (const machine of await ledger.read.machines.find(where)) {
      const why = await host.standstill(machine.id).catch(() => null)
      const forgotten = why === "held" && machine.held === null
      if (forgotten && (await ledger.read.operations.holding(machine.id)).length === 0) {
        await host.release(machine.id)
      }
      const still = why === "no-space"
      const shown = machine.reason === standsStill
      if (still && (await isThereSpace())) await host.goOn(machine.id)
      else if (still && !shown) await note(ledger, machine, "machine.paused", standsStill)
      else if (!still && shown) await note(ledger, machine, "machine.resumed", null)
    }
  }
}

async function note(
  ledger: Ledger,
  { id, accountId }: Machine,
  type: string,
  reason: string | null,
): Promise<void> {
  await ledger.transaction(async (rooms) => {
    const now = await rooms.machines.get(id)
    // On a busy node one look is not over when the next begins: it is told once.
    if (now?.state !== "running" || now.reason === reason) return
    await rooms.machines.change(id, { reason })
    const of = { resourceKind: "machine", resourceId: id, data: { reason } }
    await rooms.events.add({ at: Date.now(), accountId, type, ...of })
  })
}

/** A machine that went off by itself; operations that work on it look for themselves. */
async function noteOff(ledger: Ledger, id: string, why: string): Promise<void> {
  await ledger.transaction(async (rooms) => {
    const machine = await rooms.machines.get(id)
    if (machine?.state !== "running") return
    await rooms.machines.change(id, { state: "stopped", process: null, held: null, reason: why })
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
