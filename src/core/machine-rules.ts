/** What a machine must be for what is asked of it, and what its operations have in common. */
import { Refusal } from "../domain/fault.ts"
import {
  type Hardware,
  hardwareBounds,
  type Machine,
  type MachineState,
} from "../domain/machine.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { MachineView } from "./core.ts"

/** The root volume and the extra ones. */
export const mostDisks = 16

type Reading = {
  volumes: Pick<Rooms["volumes"], "find">
  operations: Pick<Rooms["operations"], "firstHolding">
}

export async function viewOf(rooms: Reading, machine: Machine): Promise<MachineView> {
  const [view] = await viewsOf(rooms, [machine])
  if (view === undefined) throw new Error(`machine ${machine.id} has no view`)
  return view
}

/** A page at a time: the disks of all of them in one query, their work in another. */
export async function viewsOf(
  rooms: Reading,
  machines: readonly Machine[],
): Promise<MachineView[]> {
  const ids = machines.map((machine) => machine.id)
  const limit = Math.max(1, ids.length) * mostDisks
  const disks = await rooms.volumes.find({ machineId: ids }, { limit })
  const byMachine = Map.groupBy(disks, (disk) => disk.machineId)
  const busy = await rooms.operations.firstHolding(ids)
  return machines.map((machine) => {
    const own = byMachine.get(machine.id) ?? []
    const first = busy.get(machine.id)
    const work = first && { id: first.id, kind: first.kind, progress: first.progress }
    const sorted = own.sort((a, b) => (a.slot ?? 0) - (b.slot ?? 0))
    return { ...machine, disks: sorted, work: work ?? null }
  })
}

/** A machine's operation holds its volumes too. */
export const planFor = (resource: MachineView) => ({
  resource,
  accountId: resource.accountId,
  target: { kind: "machine", id: resource.id } as const,
  holds: [resource.id, ...resource.disks.map((disk) => disk.id)],
})

/**
 * The state a user chose must fit. While operations of our own are on their way to change it,
 * nobody can know what it will be: then the request queues behind them.
 */
export async function mustSuit(
  rooms: { operations: Pick<Rooms["operations"], "holding"> },
  { id, state }: Machine,
  needs: readonly MachineState[],
  hint?: string,
): Promise<void> {
  if (needs.includes(state)) return
  const unsettled = state === "creating" || (state !== "failed" && state !== "deleting")
  if (unsettled && (await rooms.operations.holding(id)).length > 0) return
  const advice = hint === undefined ? {} : { hint }
  throw new Refusal({ kind: "wrong-state", what: "machine", id, is: state, needs, ...advice })
}

export function mustBeHardware(wish: Partial<Pick<Hardware, "memoryMiB" | "cpus">>): void {
  for (const field of ["memoryMiB", "cpus"] as const) {
    const { [field]: wished } = wish
    const { least, most } = hardwareBounds[field]
    const fits = Number.isInteger(wished) && Number(wished) >= least && Number(wished) <= most
    if (wished === undefined || fits) continue
    const why = `must be a whole number from ${least} to ${most}`
    throw new Refusal({ kind: "invalid", why, field })
  }
}
