/**
 * Quotas: what an account may use in all, and what one machine or volume may. Checked in the
 * transaction that accepts the request, against the rows that are there: what is being made counts
 * from the moment it was promised, what failed or is going does not. Recovery snapshots count
 * towards no number of snapshots; the bytes they hold are used like all others.
 */
import type { Quota } from "../domain/account.ts"
import { Refusal } from "../domain/fault.ts"
import type { AccountId } from "../domain/ids.ts"
import type { SnapshotSource } from "../domain/snapshot.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { Context } from "./context.ts"
import { mustHaveSpace } from "./free-space.ts"

export type Taking = {
  /** Whose quota it counts against; null: nobody's. */
  accountId: AccountId | null
  /** The machine or volume whose own quota it counts against. */
  source?: SnapshotSource
  takes: Pick<Quota, "machines" | "volumes" | "snapshots" | "logicalBytes">
  /** What it may come to need on disk; at most, where that is known. */
  bytes: number
}

/** What making something that holds nothing yet takes: a layer, a directory, some rows. */
export const smallBytes = 2 ** 20

type Asking = Pick<Context, "capacity" | "node">

/**
 * Refuses with `quota` or `no-space`. Asked within an accepting transaction, before its rows are
 * added; resolves with what the operation is to reserve.
 */
export async function mustFit(
  rooms: Rooms,
  context: Asking,
  { accountId, source, takes, bytes }: Taking,
): Promise<number> {
  const { allowances } = context.capacity
  const wanted = { ...takes, physicalBytes: bytes }
  if (accountId !== null) {
    const measures = accountMeasures(rooms, context, accountId)
    await mustBeWithin(allowances.of(accountId), wanted, measures)
  }
  if (source !== undefined) {
    await mustBeWithin(allowances.ofSources, wanted, sourceMeasures(rooms, context, source))
  }
  if (bytes > 0) await mustHaveSpace(rooms, context, bytes)
  return bytes
}

type Measured = keyof Quota
/** What people call it, and how much of it is in use. */
type Measures = { [K in Measured]?: { what: string; used(): Promise<number> } }

async function mustBeWithin(quota: Quota, wanted: Quota, measures: Measures): Promise<void> {
  for (const [name, measure] of Object.entries(measures)) {
    const limit = quota[name as Measured]
    const more = wanted[name as Measured] ?? 0
    if (limit === undefined || more === 0) continue
    const used = await measure.used()
    if (used + more <= limit) continue
    const requested = more === 1 ? {} : { requested: more }
    throw new Refusal({ kind: "quota", what: measure.what, limit, used, ...requested })
  }
}

/** The states in which a thing counts. */
export const living = {
  machines: ["creating", "running", "stopped"],
  volumes: ["creating", "available", "in-use"],
  snapshots: ["creating", "ready"],
} as const

export function accountMeasures(
  rooms:
    | Pick<Rooms, "machines" | "volumes" | "snapshots" | "operations">
    | Context["ledger"]["read"],
  { capacity, node }: Asking,
  accountId: AccountId,
) {
  const { machines, volumes, snapshots, operations } = rooms
  return {
    machines: {
      what: "machines",
      used: () => machines.count({ accountId, state: living.machines }),
    },
    volumes: { what: "volumes", used: () => volumes.count({ accountId, state: living.volumes }) },
    snapshots: {
      what: "snapshots",
      used: () => snapshots.count({ accountId, recovery: false, state: living.snapshots }),
    },
    logicalBytes: {
      what: "bytes in volumes",
      used: () => volumes.sum("sizeBytes", { accountId, state: living.volumes }),
    },
    physicalBytes: {
      what: "bytes on disk",
      async used() {
        const { diskUsage } = capacity
        const onDisk = diskUsage.known().accounts.get(accountId) ?? 0
        const memory = await snapshots.sum("memoryBytes", { accountId })
        const reserved = await operations.sum("reservedBytes", { node, accountId })
        return onDisk + memory + reserved + diskUsage.settledSince(accountId)
      },
    },
  } satisfies Measures
}

function sourceMeasures(rooms: Rooms, { capacity }: Asking, source: SnapshotSource): Measures {
  const { id } = source
  const volumesOf = async () => {
    if (source.kind === "machine") return await rooms.volumes.find({ machineId: source.id })
    const volume = await rooms.volumes.get(source.id)
    return volume === undefined ? [] : [volume]
  }
  const whole = (parts: readonly number[]) => parts.reduce((sum, part) => sum + part, 0)
  return {
    snapshots: {
      what: `snapshots of one ${source.kind}`,
      used: () => rooms.snapshots.count({ sourceId: id, recovery: false, state: living.snapshots }),
    },
    logicalBytes: {
      what: `bytes in one ${source.kind}`,
      used: async () => whole((await volumesOf()).map((volume) => volume.sizeBytes)),
    },
    physicalBytes: {
      what: `bytes on disk of one ${source.kind}`,
      async used() {
        const { volumes } = capacity.diskUsage.known()
        const onDisk = (await volumesOf()).map((volume) => volumes.get(volume.id) ?? 0)
        const memory = await rooms.snapshots.sum("memoryBytes", { sourceId: id })
        const reserved = (await rooms.operations.holding(id)).map((each) => each.reservedBytes)
        return whole([...onDisk, memory, ...reserved])
      },
    },
  }
}
