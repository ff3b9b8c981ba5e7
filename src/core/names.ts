/** Names are people's own; nothing on disk is ever called by one. */
import { Refusal, type ResourceKind } from "../domain/fault.ts"
import type { IdName, NameRule } from "./core.ts"

export const longestName = 255
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for
const control = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/

export function mustBeName(name: string, rule: NameRule = {}): void {
  const why = whyNot(name, rule)
  if (why !== undefined) throw new Refusal({ kind: "invalid", why, field: "name" })
}

function whyNot(name: string, { pattern, what }: NameRule): string | undefined {
  if (name.length > longestName) return `a name has at most ${longestName} characters`
  if (control.test(name) || !name.isWellFormed()) return "a name has no control characters"
  if (pattern !== undefined && !pattern.test(name)) return what ?? `a name must match ${pattern}`
  return undefined
}

/** Ids made within a minute of each other begin alike. */
const beginnings = [8, 13, 18, 23, 36]

export async function nameOf(
  wished: string | IdName,
  id: string,
  others: (name: string) => Promise<readonly unknown[]>,
): Promise<string> {
  if (typeof wished === "string") return wished
  for (const length of beginnings) {
    const name = wished(id.slice(0, length))
    if ((await others(name)).length === 0) return name
  }
  return wished(id)
}

/**
 * Failed things keep their name on record but do not take it from anybody. The others of that
 * name are looked up only where the rule asks for it.
 */
export async function mustBeFree(
  rule: NameRule | undefined,
  what: ResourceKind,
  name: string,
  others: () => Promise<readonly { state: string }[]>,
): Promise<void> {
  if (!rule?.unique || (await others()).every((other) => other.state === "failed")) return
  throw new Refusal({ kind: "name-taken", what, name })
}
