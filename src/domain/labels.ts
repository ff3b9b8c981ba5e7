/**
 * What people write on their things, for themselves: nothing in here reads it. Every face shows
 * it in the words of its API (tags, metadata, custom properties).
 */
export type Labels = {
  description: string
  metadata: Record<string, string>
  tags: Record<string, string | number | boolean>
}

/** What a wish says of them, and none where it is silent. */
export const labelsOf = ({ description, metadata, tags }: Partial<Labels>): Labels => ({
  description: description ?? "",
  metadata: metadata ?? {},
  tags: tags ?? {},
})

export const noLabels: Labels = Object.freeze({ description: "", metadata: {}, tags: {} })
