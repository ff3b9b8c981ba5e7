import { z } from "zod"
import { parseId, type VolumeId } from "../../../domain/ids.ts"
import type { Volume, VolumeState } from "../../../domain/volume.ts"
import type { FaultParams } from "../../read.ts"
import { linksTo, type Place } from "../links.ts"
import { metadata, text, toIso, toStamp, zone, zoneWish } from "./words.ts"

const GiB = 2 ** 30

export const VolumeWish = z.object({
  volume: z.object({
    display_name: text(255),
    display_description: text(4096),
    // Sent as a number, and shown as a text.
    size: z.preprocess(
      (given) => (typeof given === "string" && /^\d{1,5}$/.test(given) ? Number(given) : given),
      z.int().min(1).max(65_536),
    ),
    volume_type: text(255),
    metadata,
    availability_zone: zoneWish,
  }),
})

const volumeId = z
  .string()
  .max(255)
  .transform((given, context): VolumeId => {
    const id = parseId<"volume">(given)
    if (id !== undefined) return id
    const params: FaultParams = { fault: { kind: "not-found", what: "volume", id: given } }
    context.issues.push({ code: "custom", input: given, params })
    return z.NEVER
  })

/** The device is the next that is free, whichever was wished for. */
export const AttachmentWish = z.object({
  volumeAttachment: z.object({ volumeId, device: text(255) }),
})

const statuses = {
  creating: "Pending",
  available: "Open",
  "in-use": "Open",
  deleting: "ClosePending",
  failed: "ClosePending",
} as const satisfies Record<VolumeState, string>

/** The same thing is told in two ways: sizes and times of a new one are not those of a list. */
export const renderNewVolume = (volume: Volume, place: Place) => ({
  ...renderVolume(volume, place),
  size: gigabytes(volume),
  created_at: toIso(volume.createdAt),
})

export const renderVolume = (volume: Volume, place: Place) => ({
  id: volume.id,
  status: statuses[volume.state],
  display_name: volume.name,
  display_description: volume.description,
  size: String(gigabytes(volume)),
  volume_type: volume.type ?? "",
  metadata: volume.metadata,
  availability_zone: zone.zone,
  attachments: volume.machineId === null ? [] : [renderAttachment(volume)],
  links: linksTo(place, "volumes", volume.id),
  snapshot_id: volume.fromSnapshotId ?? "",
  created_at: toStamp(volume.createdAt),
})

/** Rounded up: what was made elsewhere need not be whole. */
const gigabytes = ({ sizeBytes }: Volume) => Math.ceil(sizeBytes / GiB)

/** An attachment has no id but its volume's. */
export const renderAttachment = ({ id, machineId, slot }: Volume) => ({
  device: `/dev/vd${String.fromCharCode("a".charCodeAt(0) + (slot ?? 0))}`,
  serverId: machineId ?? "",
  id,
  volumeId: id,
})
