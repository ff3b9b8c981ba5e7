/** What a machine must be for what is asked of it, and what its operations have in common. */
import { Refusal } from "../domain/fault.ts"
import type { Machine, MachineState } from "../domain/machine.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { MachineView } from "./core.ts"

export async function viewOf(
  rooms: {
    volumes: Pick<Rooms["volumes"], "find">
    operations: Pick<Rooms["operations"], "holding">
  },
  machine: Machine,
): Promise<MachineView> {
  const disks = await rooms.volumes.find({ machineId: machine.id })
  const [first] = await rooms.operations.holding(machine.id)
  const work = first && { id: first.id, kind: first.kind, progress: first.progress }
  const sorted = disks.sort((a, b) => (a.slot ?? 0) - (b.slot ?? 0))
  return { ...machine, disks: sorted, work: work ?? null }
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
): Promise<void> {
  if (needs.includes(state)) return
  const unsettled = state === "creating" || (state !== "failed" && state !== "deleting")
  if (unsettled && (await rooms.operations.holding(id)).length > 0) return
  throw new Refusal({ kind: "wrong-state", what: "machine", id, is: state, needs })
}
