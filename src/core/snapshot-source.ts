/** What a snapshot of something covers, and whether it can be had. */
import { Refusal } from "../domain/fault.ts"
import type { Machine } from "../domain/machine.ts"
import type { Snapshot, SnapshotSource } from "../domain/snapshot.ts"
import type { Volume } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { Context } from "./context.ts"
import type { Asking, SnapshotWish } from "./core.ts"
import { viewOf } from "./machine-rules.ts"
import { smallBytes, type Taking } from "./quota.ts"
import { shownMachine, shownVolume } from "./shown.ts"

export type Covered = {
  accountId: Snapshot["accountId"]
  machine: Machine | null
  volumes: Volume[]
  /** A volume's machine is held too: its disks may be switched by one operation at a time. */
  holds: string[]
}

export async function coveredBy(
  rooms: Rooms,
  { who }: Asking,
  source: SnapshotSource,
): Promise<Covered> {
  if (source.kind === "volume") {
    const volume = await shownVolume(rooms, who, source.id)
    const holds = [volume.id, ...(volume.machineId === null ? [] : [volume.machineId])]
    return { accountId: volume.accountId, machine: null, volumes: [volume], holds }
  }
  const machine = await shownMachine(rooms, who, source.id)
  const { disks: volumes } = await viewOf(rooms, machine)
  const holds = [machine.id, ...volumes.map((volume) => volume.id)]
  return { accountId: machine.accountId, machine, volumes, holds }
}

/** Nothing is taken of what failed or is going. */
export function mustLive({ machine, volumes: [volume] }: Covered): void {
  const what = machine === null ? "volume" : "machine"
  const { id, state } = machine ?? volume ?? {}
  if (id === undefined || (state !== "failed" && state !== "deleting")) return
  const needs = what === "machine" ? ["running", "stopped"] : ["available", "in-use"]
  throw new Refusal({ kind: "wrong-state", what, id, is: state, needs })
}

/** What was asked for and this host cannot do is refused, rather than done by half. */
export function mustBePossible(
  context: Context,
  wish: SnapshotWish,
  machine: Machine | null,
): void {
  for (const ability of ["memory", "quiesce"] as const) {
    if (!wish[ability]) continue
    const what = ability === "memory" ? "a snapshot with memory" : "a quiesced snapshot"
    if (machine === null) {
      throw new Refusal({ kind: "unsupported", what, why: "its source is not a machine" })
    }
    if (!context.host(machine.kind).can[ability]) {
      const why = `this host of ${machine.kind}s does not offer it`
      throw new Refusal({ kind: "unsupported", what, why })
    }
  }
}

/** What it counts as against quotas; with memory it may come to need as much as the guest has. */
export function taking(wish: SnapshotWish, { accountId, machine }: Covered): Taking {
  const memory = wish.memory === true ? (machine?.hardware.memoryMiB ?? 0) * 2 ** 20 : 0
  return { accountId, source: wish.source, takes: { snapshots: 1 }, bytes: smallBytes + memory }
}
