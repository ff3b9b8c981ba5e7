/** What all wishes of v1 are made of. It takes strings where numbers are meant, for XML's sake. */
import type { Labels } from "../../../domain/labels.ts"
import { type Body, isBody } from "../formats.ts"
import { type Asked, bad, good, type Read } from "./route.ts"

const GiB = 2 ** 30
/** This API knows no smaller sizes. */
export const gibOf = (bytes: number): number => Math.ceil(bytes / GiB)
export const bytesOf = (gib: number): number => gib * GiB

/** UTC, microseconds, no zone: the one form that all clients can read. */
export const timeOf = (epochMs: number): string =>
  new Date(epochMs).toISOString().replace("Z", "000")

const longestText = 255

/**
 * Text under the first of these names that has any; where there are only nulls it is empty. Some
 * clients write `name` where this API has `display_name`, some both.
 */
export function readText(
  asked: Asked,
  wish: Body,
  ...names: readonly string[]
): Read<string | undefined> {
  const name = names.find((each) => wish[each] !== undefined && wish[each] !== null)
  if (name === undefined) {
    return good(names.some((each) => wish[each] === null) ? "" : undefined)
  }
  const value = wish[name]
  if (typeof value !== "string") return bad(asked.refuse(400, `${name} is not a string or unicode`))
  if (value.length <= longestText) return good(value)
  const why = `${name} has ${value.length} characters, more than ${longestText}.`
  return bad(asked.refuse(400, why))
}

/** As documents in XML have them, an id may stand on a line of its own. */
export function readId(asked: Asked, wish: Body, name: string): Read<string | undefined> {
  const text = readText(asked, wish, name)
  return text.ok && text.value !== undefined ? good(text.value.trim()) : text
}

export type Called = Partial<Pick<Labels, "description" | "metadata"> & { name: string }>

/** What people call it and write on it. What is absent is not in the value. */
export function readCalled(asked: Asked, wish: Body): Read<Called> {
  const name = readText(asked, wish, "display_name", "name")
  if (!name.ok) return name
  const description = readText(asked, wish, "display_description", "description")
  if (!description.ok) return description
  const metadata = readMetadata(asked, wish["metadata"])
  if (!metadata.ok) return metadata
  return good({
    ...(name.value === undefined ? {} : { name: name.value }),
    ...(description.value === undefined ? {} : { description: description.value }),
    ...(metadata.value === undefined ? {} : { metadata: metadata.value }),
  })
}

/** Numbers and truth values become text: clients read back strings only. */
export function readMetadata(
  asked: Asked,
  value: unknown,
): Read<Record<string, string> | undefined> {
  // As our own XML writes metadata that is empty.
  if (value === undefined || value === null || value === "null") return good(undefined)
  if (!isBody(value)) return bad(asked.refuse(400, "Invalid metadata: it is not a set of pairs"))
  const pairs = Object.entries(value)
  for (const [key, text] of pairs) {
    const why = whyNotPair(key, text)
    if (why !== undefined) return bad(asked.refuse(400, `Invalid metadata: ${why}`))
  }
  return good(Object.fromEntries(pairs.map(([key, text]) => [key, String(text)])))
}

function whyNotPair(key: string, text: unknown): string | undefined {
  if (key === "") return "Metadata property key blank"
  if (key.length > longestText)
    return `Metadata property key greater than ${longestText} characters`
  if (!["string", "number", "boolean"].includes(typeof text)) {
    return `the value of ${JSON.stringify(key)} is not a string`
  }
  if (String(text).length > longestText) {
    return `Metadata property value greater than ${longestText} characters`
  }
  return undefined
}

/** A value as one may read it in a message; lists and objects are only called by their kind. */
export function wordOf(value: unknown): string {
  if (typeof value !== "object" || value === null) return String(value)
  return Array.isArray(value) ? "a list" : "an object"
}

const truths = new Set(["1", "t", "true", "on", "y", "yes"])
const untruths = new Set(["0", "f", "false", "off", "n", "no"])

/** As OpenStack's own `strutils` reads truth, case aside; undefined for anything else. */
export function truthOf(value: unknown): boolean | undefined {
  const word = wordOf(value).trim().toLowerCase()
  return truths.has(word) || (untruths.has(word) ? false : undefined)
}
