/**
 * `?metadata={'k': 'v'}`: which pairs a listed thing must have. Clients write the set of pairs as
 * Python prints it, because the service that they were made for evaluated it.
 */
import { isBody } from "../formats.ts"

export type Pairs = Readonly<Record<string, string>>

export const carries = (metadata: Pairs, wanted: Pairs): boolean =>
  Object.entries(wanted).every(
    ([key, value]) => Object.hasOwn(metadata, key) && metadata[key] === value,
  )

/** Undefined: that is no set of pairs. */
export function readPairs(text: string): Pairs | undefined {
  const value = asJson(text) ?? asJson(jsonOf(text))
  if (!isBody(value)) return undefined
  const pairs = Object.entries(value)
  if (pairs.some(([, each]) => typeof each === "object")) return undefined
  return Object.fromEntries(pairs.map(([key, each]) => [key, String(each)]))
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/**
 * Python's strings, `u''` of old ones too, in JSON's quotes; what is outside of them stays. One that
 * is not closed goes to the end, and nothing is passed twice.
 */
const jsonOf = (text: string): string =>
  text.replace(pythonText, (_whole, single?: string, double?: string) =>
    JSON.stringify((single ?? double ?? "").replace(/\\(.)/gs, "$1")),
  )

const pythonText = /u?(?:'((?:[^'\\]|\\.)*)\\?(?:'|$)|"((?:[^"\\]|\\.)*)\\?(?:"|$))/gs
