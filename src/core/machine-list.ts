/** Finding machines, and what a deleted one was. */
import type { Principal } from "../domain/account.ts"
import { attempt, Refusal, type Result } from "../domain/fault.ts"
import type { MachineId } from "../domain/ids.ts"
import type { Operation } from "../domain/operation.ts"
import type { Volume } from "../domain/volume.ts"
import type { MachineDelete } from "../operations/machine/delete.ts"
import { machineDelete } from "../operations/machine/delete.ts"
import type { Context } from "./context.ts"
import type { MachineListing, MachineView } from "./core.ts"
import { whereOf } from "./listed.ts"
import { viewOf, viewsOf } from "./machine-rules.ts"
import { shownMachine } from "./shown.ts"
import { must, seen } from "./visible.ts"

const fields = ["state", "kind", "imageId"] as const

export function getMachine(
  { ledger: { read }, capacity }: Context,
  who: Principal,
  id: MachineId,
): Promise<Result<MachineView>> {
  return attempt(async () => {
    const machine = await viewOf(read, await shownMachine(read, who, id))
    const onDisk = (await capacity.diskUsage.now()).volumes
    const weighed = (disk: Volume) => ({ ...disk, physicalBytes: onDisk.get(disk.id) ?? 0 })
    return { ...machine, disks: machine.disks.map(weighed) }
  })
}

export function listMachines(
  { ledger: { read } }: Context,
  who: Principal,
  listing: MachineListing,
): Promise<Result<MachineView[]>> {
  return attempt(async () => {
    const rows = await read.machines.find(whereOf(who, listing, fields), listing)
    return await viewsOf(read, rows)
  })
}

export function countMachines(
  { ledger: { read } }: Context,
  who: Principal,
  listing: MachineListing,
): Promise<Result<number>> {
  return attempt(() => read.machines.count(whereOf(who, listing, fields)))
}

/** Its row is gone; what it was stands with the operation that deleted it. */
export function deletedMachine(
  { ledger: { read } }: Context,
  who: Principal,
  id: MachineId,
): Promise<Result<MachineView>> {
  return attempt(async () => {
    const nothing = new Refusal({ kind: "not-found", what: "machine", id })
    if ((await read.machines.get(id)) !== undefined) throw nothing
    const [operation] = await read.operations.find(
      { targetId: id, kind: machineDelete.name },
      { limit: 1, order: "newest-first" },
    )
    const was = asItWas(must(seen(who, "machine", id, operation)))
    if (was === undefined) throw nothing
    return was
  })
}

export function listDeletedMachines(
  { ledger: { read } }: Context,
  { accountId }: Principal,
  limit: number,
): Promise<Result<MachineView[]>> {
  return attempt(async () => {
    const done = await read.operations.find(
      { accountId, kind: machineDelete.name, state: "done" },
      { limit, order: "newest-first" },
    )
    return done.flatMap((operation) => asItWas(operation) ?? [])
  })
}

function asItWas({ params, state }: Operation): MachineView | undefined {
  const { was } = params as MachineDelete
  return was === undefined || state === "undone" ? undefined : { ...was, work: null }
}
