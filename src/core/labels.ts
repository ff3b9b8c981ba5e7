/** What people may write on their things, and how a change of it is put into a row. */
import { Refusal } from "../domain/fault.ts"
import { type Labels, labelsOf } from "../domain/labels.ts"
import type { Change } from "./core.ts"
import { mustBeName } from "./names.ts"

/**
 * Bytes are of UTF-8; `allBytes` counts description, metadata and tags together, as JSON: lists of
 * a thousand things show them all.
 */
export const labelLimits = {
  entries: 128,
  keyCharacters: 255,
  metadataBytes: 16 * 1024,
  tagBytes: 1024,
  allBytes: 16 * 1024,
} as const

/** Refuses with `invalid`, naming the field. What is absent is not looked at. */
export function mustBeLabels({ description, metadata, tags }: Partial<Labels>): void {
  if (description?.isWellFormed() === false) throw invalid("description", notUnicode)
  mustBeEntries("metadata", metadata ?? {}, labelLimits.metadataBytes)
  mustBeEntries("tags", tags ?? {}, labelLimits.tagBytes)
  const all = bytesOf(JSON.stringify({ description, metadata, tags }))
  if (all <= labelLimits.allBytes) return
  const why = `description, metadata and tags have at most ${labelLimits.allBytes} bytes together`
  throw new Refusal({ kind: "invalid", why })
}

/**
 * The fields of a row that a change is of; empty where it names none. Whether a new name is free
 * is for its noun to say: only that knows what it must be free among.
 */
export function changed(before: Labels, change: Change): Partial<Labels & { name: string }> {
  const { name, nameRule, description, merge } = change
  const metadata = merged(before.metadata, change.metadata, merge?.metadata)
  const tags = merged(before.tags, change.tags, merge?.tags)
  if (name !== undefined) mustBeName(name, nameRule)
  const labels = {
    ...(description === undefined ? {} : { description }),
    ...(metadata === undefined ? {} : { metadata }),
    ...(tags === undefined ? {} : { tags }),
  }
  mustBeLabels({ ...labelsOf(before), ...labels })
  return name === undefined ? labels : { name, ...labels }
}

/** Undefined where neither is wished. A name such as `__proto__` is only a name. */
function merged<V extends string | number | boolean>(
  before: Record<string, V>,
  instead: Record<string, V> | undefined,
  more: Record<string, V | null> | undefined,
): Record<string, V> | undefined {
  if (more === undefined) return instead
  const all = new Map<string, V | null>(Object.entries(instead ?? before))
  for (const [key, value] of Object.entries(more)) all.set(key, value)
  return Object.fromEntries(
    [...all].flatMap(([key, value]) => (value === null ? [] : [[key, value] as const])),
  )
}

type Entries = Readonly<Record<string, string | number | boolean>>

function mustBeEntries(field: "metadata" | "tags", entries: Entries, mostBytes: number): void {
  const all = Object.entries(entries)
  if (all.length > labelLimits.entries) {
    throw invalid(field, `has at most ${labelLimits.entries} entries`)
  }
  for (const [key, value] of all) {
    if (typeof value === "number" && !Number.isFinite(value)) throw invalid(field, notNumber)
    const why = whyNotEntry(key, String(value), mostBytes)
    if (why !== undefined) throw invalid(field, why)
  }
}

function whyNotEntry(key: string, value: string, mostBytes: number): string | undefined {
  const { keyCharacters } = labelLimits
  if (key === "" || key.length > keyCharacters) return `a key has 1 to ${keyCharacters} characters`
  if (!key.isWellFormed() || !value.isWellFormed()) return notUnicode
  if (bytesOf(value) > mostBytes) return `a value has at most ${mostBytes} bytes`
  return undefined
}

/** What JSON has no word for would be kept as null. */
const notNumber = "has a number that is too large"
const notUnicode = "is not well-formed Unicode"
const bytesOf = (text: string) => Buffer.byteLength(text)
const invalid = (field: string, why: string) => new Refusal({ kind: "invalid", why, field })
