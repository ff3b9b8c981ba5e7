import { z } from "zod"
import type { VolumeView, VolumeWish as Wish } from "../../../core/core.ts"
import {
  bytes,
  components,
  idOf,
  name,
  pageOf,
  queryFlag,
  sizeBytes,
  time,
  toTime,
  uuid,
} from "./words.ts"

export const VolumeWish = z
  .strictObject({
    name,
    sizeBytes: z.exactOptional(sizeBytes),
    snapshotId: z.exactOptional(idOf("snapshot")),
  })
  .describe("A size, or a snapshot to start from, or both to make it larger than that.")
  .register(components, { id: "VolumeWish" })

/** The core's wish says in its type that one of the two is there. */
export const VolumeWishRead = VolumeWish.transform((wish, context): Wish => {
  const { name, sizeBytes, snapshotId } = wish
  const size = sizeBytes === undefined ? {} : { sizeBytes }
  if (snapshotId !== undefined) return { name, snapshotId, ...size }
  if (sizeBytes !== undefined) return { name, sizeBytes }
  context.issues.push({
    code: "custom",
    input: wish,
    path: ["sizeBytes"],
    message: "is required unless snapshotId is given",
  })
  return z.NEVER
})

export const VolumeRevertWish = z
  .strictObject({ snapshotId: idOf("snapshot") })
  .register(components, { id: "VolumeRevertWish" })

export const VolumeRemoval = z.strictObject({
  cascade: queryFlag.default(false).describe("Its snapshots go with it."),
})

export const volumeBytes = z.object({
  logical: bytes,
  physical: bytes
    .nullable()
    .describe("On disk, with its snapshots; null where it is one of a list, or being worked on."),
})

export const renderVolumeBytes = (volume: VolumeView): z.infer<typeof volumeBytes> => ({
  logical: volume.sizeBytes,
  physical: volume.physicalBytes ?? null,
})

export const Volume = z
  .object({
    id: uuid,
    name: z.string(),
    sizeBytes: bytes,
    bytes: volumeBytes,
    state: z.enum(["creating", "available", "in-use", "deleting", "failed"]),
    machineId: uuid.nullable(),
    role: z.enum(["root", "extra"]),
    slot: z.int().nullable(),
    fromImageId: uuid.nullable(),
    fromSnapshotId: uuid.nullable(),
    accountId: uuid,
    reason: z.string().nullable(),
    createdAt: time,
  })
  .register(components, { id: "Volume" })
export const VolumePage = pageOf(Volume, "VolumePage")

export const renderVolume = (volume: VolumeView): z.infer<typeof Volume> => ({
  id: volume.id,
  name: volume.name,
  sizeBytes: volume.sizeBytes,
  bytes: renderVolumeBytes(volume),
  state: volume.state,
  machineId: volume.machineId,
  role: volume.role,
  slot: volume.slot,
  fromImageId: volume.fromImageId,
  fromSnapshotId: volume.fromSnapshotId,
  accountId: volume.accountId,
  reason: volume.reason,
  createdAt: toTime(volume.createdAt),
})
