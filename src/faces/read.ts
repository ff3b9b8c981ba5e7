/** From what a client sent to what a route may rely on, or a fault that says what is wrong. */
import type { z } from "zod"
import { type Fault, no, ok, type Result } from "../domain/fault.ts"
/** A fault instead of `invalid`: reading fails with it unless something else is wrong too. */
export type FaultParams = { fault: Fault }

export function read<S extends z.ZodType>(schema: S, value: unknown): Result<z.output<S>> {
  const parsed = schema.safeParse(value, { reportInput: true })
  return parsed.success ? ok(parsed.data) : no(faultOf(parsed.error.issues))
}

/**
 * Ill-formed wishes are told as such before anything is said of what they refer to. The first
 * issue is the fault; the others follow in its words, so that a person mends all of them at once.
 */
function faultOf(issues: readonly z.core.$ZodIssue[]): Fault {
  const plain = issues.filter((issue) => carried(issue) === undefined).flatMap(told)
  const [first, ...others] = plain
  if (first === undefined) {
    return issues.map(carried).find((fault) => fault !== undefined) ?? unexplained
  }
  const more = others.slice(0, 8).map(({ field, why }) => `; ${field} ${why}`)
  const { field, why } = first
  return { kind: "invalid", why: why + more.join(""), ...(field === "" ? {} : { field }) }
}

const unexplained: Fault = { kind: "invalid", why: "is not what is expected here" }

function carried(issue: z.core.$ZodIssue): Fault | undefined {
  return issue.code === "custom" ? (issue.params as FaultParams | undefined)?.fault : undefined
}

type Told = { field: string; why: string }

function told(issue: z.core.$ZodIssue): Told[] {
  const field = issue.path.map(String).join(".")
  if (issue.code !== "unrecognized_keys") return [{ field, why: wording(issue) }]
  return issue.keys.slice(0, 8).map((key) => ({
    field: [...issue.path.map(String), shortened(key)].join("."),
    why: "is not a field known here",
  }))
}

const shortened = (text: string) => (text.length > 64 ? `${text.slice(0, 64)}…` : text)

/** Never the value itself: it may be a secret. */
function wording(issue: z.core.$ZodIssue): string {
  if (issue.input === undefined && issue.code !== "custom") return "is required"
  switch (issue.code) {
    case "invalid_type":
      return `must be ${article(issue.expected)}, not ${article(typeName(issue.input))}`
    case "invalid_value":
      return `must be ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`
    case "too_small":
      return `must ${unit(issue.origin, `at least ${issue.minimum}`)}`
    case "too_big":
      return `must ${unit(issue.origin, `at most ${issue.maximum}`)}`
    case "not_multiple_of":
      return `must be a multiple of ${issue.divisor}`
    default:
      return issue.message
  }
}

const unit = (origin: string, bound: string) => {
  if (origin === "string") return `have ${bound} characters`
  return origin === "array" ? `have ${bound} items` : `be ${bound}`
}

function typeName(value: unknown): string {
  if (value === null) return "null"
  if (Array.isArray(value)) return "array"
  if (typeof value === "number" && !Number.isInteger(value)) return "fraction"
  return typeof value
}

const names: Record<string, string> = {
  int: "a whole number",
  array: "a list",
  object: "an object",
  null: "null",
}
const article = (type: string) => names[type] ?? `a ${type}`

/** The JSON of a body; an empty one is an empty object, because many wishes have only defaults. */
export function readJson(bytes: Buffer): Result<unknown> {
  if (bytes.length === 0) return ok({})
  try {
    return ok(JSON.parse(utf8.decode(bytes)))
  } catch (cause) {
    const what = cause instanceof SyntaxError ? "well-formed JSON" : "UTF-8"
    return no({ kind: "invalid", why: `the body is not ${what}` })
  }
}

const utf8 = new TextDecoder("utf-8", { fatal: true })
