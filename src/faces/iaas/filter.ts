/**
 * What `$filter` says, as a predicate over rendered JSON. `eq`, `ne`, `and`, `or`, parentheses,
 * quoted literals with `*` for anything, dotted paths, and the three functions that projects and
 * deployments know. Comparison is of texts, case and all; a list has a value if one of its members
 * has (`tags.item.key`, or `tags.key`). Lengths are limited, so that no filter costs more than it
 * finds.
 */
import { no, ok, type Result } from "../../domain/fault.ts"

export type Predicate = (value: unknown) => boolean
export type Filter = {
  matches: Predicate
  /** How many fields it compares. */
  terms: number
  /** Set where the whole filter is one field that equals one text, for quicker ways to find it. */
  only: { path: string; text: string } | null
}

const longestFilter = 4_096
const mostTerms = 100
const deepest = 20

export function parseFilter(text: string): Result<Filter> {
  if (text.length > longestFilter) return refused(`has at most ${longestFilter} characters`)
  try {
    return ok(new Parser(text).whole())
  } catch (cause) {
    if (cause instanceof FilterError) return refused(cause.message)
    throw cause
  }
}

const refused = (why: string) => no({ kind: "invalid", field: "$filter", why })

class FilterError extends Error {}

type Token = { kind: "word" | "text" | "mark" | "end"; text: string; at: number }

const pattern = /\s*(?:'((?:[^']|'')*)'|([()',])|([^\s()',]+))/y

function* tokensOf(text: string): Generator<Token> {
  pattern.lastIndex = 0
  const end = text.trimEnd().length
  while (pattern.lastIndex < end) {
    const [all = "", quoted, mark, word] = pattern.exec(text) ?? []
    const at = pattern.lastIndex - all.trimStart().length
    if (quoted !== undefined) yield { kind: "text", text: quoted.replaceAll("''", "'"), at }
    else if (mark === "'") throw new FilterError(`a quote at ${at} is not closed`)
    else yield { kind: mark === undefined ? "word" : "mark", text: mark ?? word ?? "", at }
  }
  yield { kind: "end", text: "", at: end }
}

class Parser {
  readonly #tokens: Token[]
  #next = 0
  #terms = 0
  #only: Filter["only"] = null

  constructor(text: string) {
    this.#tokens = [...tokensOf(text)]
  }

  whole(): Filter {
    const matches = this.#or(0)
    const rest = this.#take()
    if (rest.kind !== "end") throw unexpected(rest)
    return { matches, terms: this.#terms, only: this.#terms === 1 ? this.#only : null }
  }

  #or(depth: number): Predicate {
    const terms = [this.#and(depth)]
    while (this.#isWord("or")) terms.push(this.#and(depth))
    return (value) => terms.some((term) => term(value))
  }

  #and(depth: number): Predicate {
    const terms = [this.#term(depth)]
    while (this.#isWord("and")) terms.push(this.#term(depth))
    return (value) => terms.every((term) => term(value))
  }

  #term(depth: number): Predicate {
    if (depth > deepest) throw new FilterError(`has at most ${deepest} parentheses in each other`)
    const first = this.#take()
    if (first.kind === "mark" && first.text === "(") {
      const inner = this.#or(depth + 1)
      this.#mark(")")
      return inner
    }
    this.#terms += 1
    if (this.#terms > mostTerms) throw new FilterError(`compares at most ${mostTerms} fields`)
    if (first.kind !== "word") throw unexpected(first)
    const peeked = this.#tokens[this.#next]
    if (peeked?.kind === "mark" && peeked.text === "(") return this.#call(first)
    return this.#comparison(first.text)
  }

  #comparison(path: string): Predicate {
    const operator = this.#take()
    const word = operator.kind === "word" ? operator.text.toLowerCase() : ""
    if (word !== "eq" && word !== "ne") throw unexpected(operator, "eq or ne")
    const wanted = this.#literal()
    const equals = like(wanted)
    const has = (value: unknown) => valuesAt(value, path).some(equals)
    if (word === "ne") return (value) => !has(value)
    this.#only = wanted.includes("*") ? null : { path, text: wanted }
    return has
  }

  /** `startswith(name, 'a')`, `endswith(name, 'a')`, `substringof('a', name)`. */
  #call(name: Token): Predicate {
    this.#mark("(")
    const wanted = name.text.toLowerCase()
    const first = this.#take()
    this.#mark(",")
    const second = this.#take()
    this.#mark(")")
    const backwards = wanted === "substringof"
    const [path, part] = backwards ? [second, first] : [first, second]
    if (path.kind !== "word") throw unexpected(path, "a field")
    if (part.kind !== "text") throw unexpected(part, "a text in quotes")
    const test = functions.get(wanted)
    if (test === undefined) throw unexpected(name)
    return (value) => valuesAt(value, path.text).some((each) => test(each, part.text))
  }

  #literal(): string {
    const token = this.#take()
    if (token.kind !== "text" && token.kind !== "word") throw unexpected(token, "a value")
    return token.text
  }

  #take(): Token {
    const token = this.#tokens[this.#next]
    if (token === undefined) throw new FilterError("ends too early")
    this.#next += 1
    return token
  }

  #isWord(word: string): boolean {
    const token = this.#tokens[this.#next]
    const is = token?.kind === "word" && token.text.toLowerCase() === word
    if (is) this.#next += 1
    return is
  }

  #mark(mark: string): void {
    const token = this.#take()
    if (token.kind !== "mark" || token.text !== mark) throw unexpected(token, mark)
  }
}

const functions = new Map<string, (value: string, part: string) => boolean>([
  ["startswith", (value, part) => value.startsWith(part)],
  ["endswith", (value, part) => value.endsWith(part)],
  ["substringof", (value, part) => value.includes(part)],
])

function unexpected({ kind, text, at }: Token, wanted?: string): FilterError {
  const found = kind === "end" ? "ends too early" : `has ${shortened(text)} at ${at}`
  return new FilterError(wanted === undefined ? found : `${found}; it needs ${wanted} there`)
}

const shortened = (text: string) =>
  JSON.stringify(text.length > 32 ? `${text.slice(0, 32)}…` : text)

/** `*` stands for any text. One pass from left to right: no pattern makes it slow. */
function like(wanted: string): (text: string) => boolean {
  if (!wanted.includes("*")) return (text) => text === wanted
  const [first = "", ...rest] = wanted.split("*")
  const last = rest.pop() ?? ""
  return (text) => {
    if (text.length < first.length + last.length) return false
    if (!text.startsWith(first) || !text.endsWith(last)) return false
    let from = first.length
    const until = text.length - last.length
    for (const part of rest) {
      const found = text.indexOf(part, from)
      if (found < 0 || found + part.length > until) return false
      from = found + part.length
    }
    return true
  }
}

/** The texts of what is at the path: a key may have dots in it, a list gives all its members. */
export function valuesAt(value: unknown, path: string): string[] {
  if (Array.isArray(value)) {
    const inMembers = path.replace(/^item(\.|$)/, "")
    return value.flatMap((member) => valuesAt(member, inMembers))
  }
  if (path === "") return value === null || typeof value === "object" ? [] : [String(value)]
  if (typeof value !== "object" || value === null) return []
  const found: string[] = []
  for (const [key, member] of Object.entries(value)) {
    if (path === key) found.push(...valuesAt(member, ""))
    else if (path.startsWith(`${key}.`)) found.push(...valuesAt(member, path.slice(key.length + 1)))
  }
  return found
}
