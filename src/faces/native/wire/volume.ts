import { z } from "zod"
import type { VolumeView, VolumeWish as Wish } from "../../../core/core.ts"
import { labels, labelWishes, renderLabels } from "./labels.ts"
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
    volumeId: z
      .exactOptional(idOf("volume"))
      .describe("Which of the volumes in a machine's snapshot; the root's if none."),
    cloneOf: z
      .exactOptional(idOf("volume"))
      .describe("A volume to copy, as it is when its turn comes."),
    ...labelWishes,
  })
  .describe("A size, or something to start from, or both to make it larger than that.")
  .register(components, { id: "VolumeWish" })

/** The core's wish says in its type that one of the three is there. */
export const VolumeWishRead = VolumeWish.transform((wish, context): Wish => {
  const { sizeBytes, snapshotId, volumeId, cloneOf, ...rest } = wish
  const size = sizeBytes === undefined ? {} : { sizeBytes }
  const ofVolume = volumeId === undefined ? {} : { volumeId }
  const refuse = (path: string, message: string) => {
    context.issues.push({ code: "custom", input: wish, path: [path], message })
    return z.NEVER
  }
  if (cloneOf !== undefined && snapshotId !== undefined) {
    return refuse("cloneOf", "excludes snapshotId")
  }
  if (snapshotId !== undefined) return { ...rest, snapshotId, ...ofVolume, ...size }
  if (volumeId !== undefined) return refuse("volumeId", "is of a snapshot: give snapshotId, too")
  if (cloneOf !== undefined) return { ...rest, cloneOf, ...size }
  if (sizeBytes !== undefined) return { ...rest, sizeBytes }
  return refuse("sizeBytes", "is required unless snapshotId or cloneOf is given")
})

/** What is absent stays as it is. */
export const VolumeChange = z
  .strictObject({ name: z.exactOptional(name), ...labelWishes })
  .register(components, { id: "VolumeChange" })

export const VolumeGrowWish = z
  .strictObject({ sizeBytes })
  .register(components, { id: "VolumeGrowWish" })

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
    ...labels,
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
  ...renderLabels(volume),
  accountId: volume.accountId,
  reason: volume.reason,
  createdAt: toTime(volume.createdAt),
})
