/** What people write on their things: as it is wished, changed and shown. */
import { z } from "zod"
import type { Labels } from "../../../domain/labels.ts"

const description = z.string()
const metadata = z.record(z.string(), z.string())
const tags = z.record(z.string(), z.union([z.string(), z.number(), z.boolean()]))

/** Members of a wish, and of a change; how much may be written is for the core to say. */
export const labelWishes = {
  description: z.exactOptional(description),
  metadata: z.exactOptional(metadata).describe("At most 128 entries; replaced as a whole."),
  tags: z.exactOptional(tags).describe("At most 128 entries; replaced as a whole."),
}

/** Members of whatever bears them. */
export const labels = { description, metadata, tags }

export const renderLabels = ({ description, metadata, tags }: Labels): Labels => ({
  description,
  metadata,
  tags,
})
