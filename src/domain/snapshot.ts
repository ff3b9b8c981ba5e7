import type { Claim } from "./claim.ts"
import type { AccountId, MachineId, PointId, SnapshotId, VolumeId } from "./ids.ts"
import type { Labels } from "./labels.ts"
import type { MachineDescription } from "./machine.ts"

/** Who may follow whom. Nothing else in the program decides this. */
export const nextSnapshotStates = {
  creating: ["ready", "failed"],
  ready: ["deleting"],
  deleting: [], // a finished delete removes the row
  failed: ["deleting"],
} as const satisfies Record<string, readonly string[]>
export type SnapshotState = keyof typeof nextSnapshotStates

/**
 * What the picture can promise. `crash`: as after a power cut. `filesystem`: the guest had frozen
 * its file systems. `memory`: the running machine itself, with what it had in memory.
 */
export type ConsistencyLabel = "crash" | "filesystem" | "memory"

export type Consistency = {
  label: ConsistencyLabel
  /** How long the disks (or the guest) were held still, as measured. */
  pauseMs: number
  freezeMs: number
  /** Between the first and the last disk's instant; 0 where one transaction took them all. */
  skewMs: number
  /** What was asked for and could not be had, in words. */
  note: string | null
}

export type SnapshotSource = { kind: "machine"; id: MachineId } | { kind: "volume"; id: VolumeId }

/** What an engine keeps of one volume at one instant, as the ledger knows it. */
export type Point = {
  id: PointId
  /** As its snapshot's: lists of points are an account's. */
  accountId: AccountId
  snapshotId: SnapshotId
  volumeId: VolumeId
  engine: string
  sizeBytes: number
  role: "root" | "extra" | "volume"
}

export type Snapshot = Labels & {
  id: SnapshotId
  accountId: AccountId
  name: string
  state: SnapshotState
  sourceKind: SnapshotSource["kind"]
  sourceId: string
  /** The snapshot that the source's head stood on when this one was taken. */
  parentId: SnapshotId | null
  consistency: Consistency | null
  machine: MachineDescription | null
  claim: Claim | null
  /** Bytes on disk of the guest's memory, where it was kept. */
  memoryBytes: number | null
  /** A recovery snapshot keeps the head that a revert replaced. */
  recovery: boolean
  expiresAt: number | null
  reason: string | null
  createdAt: number
  readyAt: number | null
}

/** Bytes on disk: what only this snapshot holds, what it shares, what deleting it would free. */
export type SnapshotBytes = { exclusive: number; shared: number; freedIfDeleted: number }
