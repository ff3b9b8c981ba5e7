/**
 * Which version of the API a client wants: a range in the syntax of npm's semver, of which the
 * clients use the parts below. The newest version in the range answers.
 */
import type { IncomingHttpHeaders } from "node:http"

/** What a client of that version is told, where versions differ. */
export type Dialect = {
  version: string
  /** The word for a snapshot that is ready; null: what the settings say. */
  readyWord: "success" | null
  /** Times as `2011-07-05T17:19:26+00:00`, as the first documents have them. */
  plainTimes: boolean
  networks: boolean
  subUsers: boolean
  /** Brands, and images of raw types, instead of the two types of machines. */
  brands: boolean
  /** Members and policies of roles as references, instead of names. */
  references: boolean
}

const dialect = (version: string): Dialect => ({
  version,
  readyWord: version === "6.5.0" ? "success" : null,
  plainTimes: isBelow(version, "7.1.0"),
  networks: !isBelow(version, "7.1.0"),
  subUsers: !isBelow(version, "7.2.0"),
  brands: !isBelow(version, "8.0.0"),
  references: !isBelow(version, "9.0.0"),
})

/** What ping tells; 6.5 is understood too, and spoken only when asked for. */
export const versions = ["7.0.0", "7.1.0", "7.2.0", "7.3.0", "8.0.0", "9.0.0"] as const
const known = [...versions]
  .reverse()
  .concat("6.5.0" as never)
  .map(dialect)
export const newest: Dialect = dialect("9.0.0")

/** The header that is read first wins; where several are sent, the others are not looked at. */
export function wantedRange(headers: IncomingHttpHeaders): string {
  for (const name of ["accept-version", "x-api-version", "api-version"]) {
    const value = headers[name]
    if (typeof value === "string" && value.trim() !== "") return value.trim()
  }
  return "*"
}

/** Undefined where no version fits, or the range is none. */
export function dialectFor(range: string): Dialect | undefined {
  if (range.length > 128) return undefined
  const choices = range.split("||").map(boundsOf)
  return known.find(({ version }) =>
    choices.some((bounds) => bounds?.every((bound) => bound(version))),
  )
}

type Bound = (version: string) => boolean

/** Bounds that must all hold; undefined where the text is no range. */
function boundsOf(text: string): Bound[] | undefined {
  const words = text
    .trim()
    .replace(/^(\S+)\s+-\s+(\S+)$/, ">=$1 <=$2")
    .replace(/(>=|<=|>|<|=|~|\^)\s+/g, "$1")
    .split(/\s+/)
  const bounds: Bound[] = []
  for (const word of words) {
    const [, operator = "", partial = ""] = /^(>=|<=|>|<|=|~|\^)?v?(.*)$/.exec(word) ?? []
    const span = spanOf(partial)
    if (span === undefined) return undefined
    bounds.push(...meaning(operator, span))
  }
  return bounds
}

/** From the first version it names to the first after those; null has no end. */
type Span = { from: string; parts: number; until: string | null }

function spanOf(partial: string): Span | undefined {
  if (partial === "" || /^[*xX]$/.test(partial)) return { from: "0.0.0", parts: 0, until: null }
  const found = /^(\d{1,4})(?:\.(?:(\d{1,4})(?:\.(?:(\d{1,4})|[*xX]))?|[*xX](?:\.[*xX])?))?$/.exec(
    partial,
  )
  if (found === null) return undefined
  const numbers = found.slice(1).flatMap((part) => (part === undefined ? [] : [Number(part)]))
  return {
    from: [...numbers, 0, 0].slice(0, 3).join("."),
    parts: numbers.length,
    until: raised(numbers, numbers.length - 1),
  }
}

/** The number at `place` is one more, and what follows is zero. */
const raised = (numbers: readonly number[], place: number) =>
  [0, 1, 2]
    .map((at) => (at < place ? numbers[at] : at === place ? (numbers[at] ?? 0) + 1 : 0))
    .join(".")

function meaning(operator: string, { from, parts, until }: Span): Bound[] {
  const least: Bound = (version) => !isBelow(version, from)
  const before = (end: string | null): Bound[] =>
    end === null ? [] : [(version) => isBelow(version, end)]
  const numbers = from.split(".").map(Number)
  if (operator === ">=") return [least]
  if (operator === "<") return before(from)
  if (operator === "<=") return before(until)
  if (operator === ">") return [(version) => until !== null && !isBelow(version, until)]
  if (operator === "~" && parts > 0) return [least, ...before(raised(numbers, parts > 1 ? 1 : 0))]
  if (operator === "^" && parts > 0) return [least, ...before(raised(numbers, 0))]
  return [least, ...before(until)]
}

function isBelow(a: string, b: string): boolean {
  const [one, other] = [a, b].map((text) => text.split(".").map(Number))
  for (const place of [0, 1, 2]) {
    const difference = (one?.[place] ?? 0) - (other?.[place] ?? 0)
    if (difference !== 0) return difference < 0
  }
  return false
}
