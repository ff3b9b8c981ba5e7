import type { AccountId, ImageId, PointId } from "./ids.ts"
import type { MachineKind } from "./machine.ts"

export type ImageState = "creating" | "ready" | "deleting" | "failed"
export type ImageFormat = "raw" | "qcow2" | "rootfs"

/** A read-only disk that machines are made from; its bytes are an engine's point. */
export type Image = {
  id: ImageId
  /** null: public to all accounts. */
  accountId: AccountId | null
  name: string
  state: ImageState
  kind: MachineKind
  sizeBytes: number
  engine: string
  pointId: PointId
  /** How a direct-boot image starts; null boots from the disk's own firmware path. */
  boot: { append: string } | null
  reason: string | null
  createdAt: number
}

/** The same in every installation, so that scripts can name it. */
export const demoImageId = "d3300000-0000-7000-8000-00000000d380" as ImageId
