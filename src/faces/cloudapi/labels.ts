/** Tags and metadata: what people write on their machines, and how they write it in requests. */

import { no, ok, type Result } from "../../domain/fault.ts"
import type { Labels } from "../../domain/labels.ts"
import type { Params } from "./body.ts"

type Tags = Labels["tags"]
type Metadata = Labels["metadata"]

/**
 * `tag.role=db`, `metadata.user-script=…`, as creating a machine has them; the newest clients send
 * objects, `tags` and `metadata`, instead.
 */
export function labelsIn(params: Params): Result<Partial<Labels>> {
  const tags = tagsFrom({ ...within(params["tags"]), ...under(params, "tag.") })
  if (!tags.ok) return tags
  const metadata = metadataFrom({ ...within(params["metadata"]), ...under(params, "metadata.") })
  if (!metadata.ok) return metadata
  return ok({ tags: tags.value, metadata: metadata.value })
}

const within = (value: unknown): Params =>
  typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Params) : {}

const under = (params: Params, prefix: string): Params =>
  Object.fromEntries(
    Object.entries(params).flatMap(([name, value]) =>
      name.startsWith(prefix) ? [[name.slice(prefix.length), value]] : [],
    ),
  )

export function tagsFrom(params: Params): Result<Tags> {
  const tags: [string, Tags[string]][] = []
  for (const [name, value] of Object.entries(params)) {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") {
      return wrong("tag", name, "must be a text, a number, true or false")
    }
    tags.push([name, value])
  }
  return ok(Object.fromEntries(tags))
}

/** Values are texts; what else JSON can say is kept as it was written. */
export function metadataFrom(params: Params): Result<Metadata> {
  const metadata: [string, string][] = []
  for (const [name, value] of Object.entries(params)) {
    if (value === null || value === undefined) return wrong("metadata", name, "must have a value")
    if (isDeep(value, 0)) return wrong("metadata", name, "is nested too deep")
    metadata.push([name, typeof value === "string" ? value : JSON.stringify(value)])
  }
  return ok(Object.fromEntries(metadata))
}

/** More than anybody writes by hand, and nothing that could exhaust a stack. */
const deepest = 32

function isDeep(value: unknown, depth: number): boolean {
  if (typeof value !== "object" || value === null) return false
  return depth >= deepest || Object.values(value).some((each) => isDeep(each, depth + 1))
}

const wrong = (what: string, name: string, why: string) =>
  no({ kind: "invalid", field: `${what}.${name.slice(0, 64)}`, why })
