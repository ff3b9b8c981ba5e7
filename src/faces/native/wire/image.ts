import { z } from "zod"
import type { Image as Row } from "../../../domain/image.ts"
import { largestVolumeBytes } from "../../../domain/volume.ts"
import {
  bytes,
  components,
  mostBytes,
  name,
  pageOf,
  queryNumber,
  time,
  toTime,
  uuid,
} from "./words.ts"

const format = z.enum(["raw", "qcow2", "rootfs"])

/** The image itself is the body. */
export const ImageQuery = z.strictObject({
  name,
  format: format.describe("A `rootfs` is a tar archive, for containers."),
  sizeBytes: z
    .exactOptional(queryNumber(1, largestVolumeBytes))
    .describe("The disk's size; needed where the stream does not tell: all but plain raw."),
  mostBytes,
})

export const Image = z
  .object({
    id: uuid,
    name: z.string(),
    state: z.enum(["creating", "ready", "deleting", "failed"]),
    kind: z.enum(["vm", "container"]),
    sizeBytes: bytes,
    public: z.boolean().describe("Seen by all accounts."),
    accountId: uuid.nullable(),
    reason: z.string().nullable(),
    createdAt: time,
  })
  .register(components, { id: "Image" })
export const ImagePage = pageOf(Image, "ImagePage")

export const renderImage = (image: Row): z.infer<typeof Image> => ({
  id: image.id,
  name: image.name,
  state: image.state,
  kind: image.kind,
  sizeBytes: image.sizeBytes,
  public: image.accountId === null,
  accountId: image.accountId,
  reason: image.reason,
  createdAt: toTime(image.createdAt),
})
