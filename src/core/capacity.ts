/**
 * What there is room for: the file system and how much of it stays free, what each account may
 * use, what is in use. Opened once; the rules are in `free-space.ts` and `quota.ts`.
 */
import type { Operation } from "../domain/operation.ts"
import { type Allowances, openAllowances, type ServiceQuota } from "./allowances.ts"
import { type DiskTools, type DiskUsage, openDiskUsage } from "./disk-usage.ts"

/** How much stays free: so many bytes, or such a share (0 to 1) of the whole file system. */
export type LowWater = { bytes: number } | { share: number }

export type CapacityParts = {
  /** Of the file system that holds the data directory; cheap enough to be asked at any time. */
  fileSystem(): { totalBytes: number; freeBytes: number }
  /** Null: as little as is wise, see `free-space.ts`. */
  lowWater: LowWater | null
  quota: ServiceQuota
}

export type Capacity = Pick<CapacityParts, "fileSystem" | "lowWater"> & {
  allowances: Allowances
  diskUsage: DiskUsage
  /** An operation ended: what was set aside for it may be on disk by now. */
  ended(operation: Operation): void
}

export function openCapacity(
  { fileSystem, lowWater, quota }: CapacityParts,
  tools: DiskTools,
): Capacity {
  const diskUsage = openDiskUsage(tools)
  return {
    fileSystem,
    lowWater,
    allowances: openAllowances(tools.ledger, quota),
    diskUsage,
    ended: ({ accountId, reservedBytes }) => diskUsage.settled(accountId, reservedBytes),
  }
}
