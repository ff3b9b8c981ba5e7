import type { Claim } from "./claim.ts"
import type { AccountId, ImageId, MachineId, PointId, SnapshotId, VolumeId } from "./ids.ts"
import type { Labels } from "./labels.ts"

export type VolumeState = "creating" | "available" | "in-use" | "deleting" | "failed"

/** A block device with a size. What holds its bytes is the engine's business. */
export type Volume = Labels & {
  id: VolumeId
  accountId: AccountId
  node: string
  engine: string
  name: string
  sizeBytes: number
  /** A word of the face that made it, such as `SATA`; all volumes are of one kind here. */
  type: string | null
  state: VolumeState
  /** The machine that has it; a root volume is made with its machine and dies with it. */
  machineId: MachineId | null
  /** `root` volumes are slot 0; extra volumes take the slots after it. */
  role: "root" | "extra"
  slot: number | null
  fromImageId: ImageId | null
  fromSnapshotId: SnapshotId | null
  /** The part of that snapshot that it was made of; null also where it was made before this was kept. */
  fromPointId: PointId | null
  /** The volume that it was made as a copy of; null also where it was made before this was kept. */
  fromVolumeId: VolumeId | null
  claim: Claim | null
  reason: string | null
  createdAt: number
}

/** Sectors are 512 bytes and layers are cut in 64 KiB clusters; we keep sizes on the sector. */
export const sectorBytes = 512
export const largestVolumeBytes = 64 * 2 ** 40
