import type { Principal } from "../domain/account.ts"
import type { FaultKind } from "../domain/fault.ts"
import type { ImageId, MachineId, PointId, SnapshotId, VolumeId } from "../domain/ids.ts"
import type { Labels } from "../domain/labels.ts"
import type { Machine, MachineKind } from "../domain/machine.ts"
import type { Caller, Operation } from "../domain/operation.ts"
import type { SnapshotSource, SnapshotState } from "../domain/snapshot.ts"
import type { Volume, VolumeState } from "../domain/volume.ts"
import type { ByteSink, ByteSource } from "../engines/engine.ts"
import type { Page, Where } from "../ledger/ledger.ts"

/** Who asks; with `repeat`, a request sent again under the same key is answered, not redone. */
export type Asking = {
  who: Principal
  repeat?: { key: string; requestHash: string }
  caller?: Caller
}

/** Where bytes come from; `diskBytes` is the size of the disk they make, where it is known. */
export type Upload = ByteSource & { diskBytes?: number | null }

/** Where bytes go; `accepted` is told of the operation before `open` is called. */
export type Download = ByteSink & { accepted?(operation: Operation): void }

/** Rules in which faces differ, checked when something is made through a face. Data, not code. */
export type NameRule = { pattern?: RegExp; unique?: boolean; what?: string }
/**
 * How many snapshots one source may have, and what happens to one more. With `replace-oldest` the
 * oldest that are ready go once the new one is there, and stay if it comes to nothing.
 */
export type CountRule = { most: number; then: "refuse" | "replace-oldest" }
/**
 * What a face asks of a snapshot's source: `extras` that the machine has no extra volumes,
 * `states` of the volume that are accepted, `guest` that it has its part in the snapshot: one with
 * memory fails unless the machine runs when its turn comes; otherwise its note says so.
 */
export type SourceRule = {
  extras?: "refused"
  states?: readonly VolumeState[]
  guest?: "required"
}

/** Made of the beginning of the thing's own id: of one that nothing else of that name has. */
export type IdName = (beginning: string) => string
export type MachineWish = Partial<Labels> & {
  name: string | IdName
  nameRule?: NameRule
  imageId: ImageId
  kind?: MachineKind
  memoryMiB?: number
  cpus?: number
  /** Default: the image's own size. */
  diskSizeBytes?: number
  /** Extra volumes, attached in this order. */
  volumeIds?: readonly VolumeId[]
  deletionProtected?: boolean
}
export type VolumeWish = Partial<Labels> & {
  name: string
  nameRule?: NameRule
  type?: string | null
} & (
    | { sizeBytes: number }
    | {
        snapshotId: SnapshotId
        /** Chooses among the points of a machine's snapshot; default: its root volume's. */
        volumeId?: VolumeId
        sizeBytes?: number
      }
    | { pointId: PointId; sizeBytes?: number }
    /** A copy of another volume as it is when its turn comes. */
    | { cloneOf: VolumeId; sizeBytes?: number }
  )
export type SnapshotWish = Partial<Labels> & {
  name: string
  nameRule?: NameRule
  countRule?: CountRule
  sourceRule?: SourceRule
  /**
   * Refusals of these kinds do not come back as faults: the snapshot is on record, `failed` with
   * that reason, and its operation `undone`. For APIs that say such things afterwards.
   */
  recorded?: readonly FaultKind[]
  source: SnapshotSource
  memory?: boolean
  quiesce?: boolean
}
/** `recovery`: whether those that a revert left, which not every face shows, hinder it (default). */
export type VolumeRemoval = { cascade: boolean; recovery?: "hinders" | "goes-along" }
/** `ifCovered`: whether a volume may leave its machine, or grow, while snapshots cover it. */
export type CoverRule = { ifCovered: "refuse" | "allow" }
/** What was asked for, by the name of its operation, and of what; of neither: of the account. */
export type RefusedWish = { kind: string; machine?: MachineId; volume?: VolumeId }
/** What may be changed at once, without an operation; what is absent stays as it is. */
export type Change = Partial<Labels> & { name?: string; nameRule?: NameRule; merge?: LabelMerge }
/** `claim`: a state to be told in the place of its own; the administrator's alone. */
export type ClaimingChange = Change & { claim?: { is: string; progress?: string } }
/** Entries put to those that are there when its turn comes; null takes one away. */
export type LabelMerge = {
  metadata?: Record<string, string | null>
  tags?: Record<string, string | number | boolean | null>
}
/** `allAccounts` is the administrator's; others are `forbidden`. */
export type Listing = Page & { name?: string; allAccounts?: boolean }
export type MachineListing = Listing & Pick<Where<Machine>, "state" | "kind" | "imageId">
export type VolumeListing = Listing & Pick<Where<Volume>, "state" | "type" | "machineId" | "role">
export type SnapshotListing = Listing & {
  source?: SnapshotSource
  /** Those of the machine, and those taken of its root volume: it stands on either. */
  lineageOf?: MachineId
  state?: SnapshotState | readonly SnapshotState[]
  /** Without: both. */
  recovery?: boolean
}
/** `after` is a point's id; newest first unless told. Recovery snapshots are left out. */
export type PointListing = Listing & {
  volumeId?: VolumeId
  snapshotId?: readonly SnapshotId[]
  state?: SnapshotState | readonly SnapshotState[]
}
