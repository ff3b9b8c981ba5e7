/**
 * Lists: `$filter`, `$orderby`, `$top`, `$skip`, `$select`, `$count`, over things as they are
 * shown. A plain page is asked of the core as it is; a filter by id or by name is the core's own;
 * any other filter, and any order, looks through all there is, up to a limit.
 */
import { setImmediate as aTurn } from "node:timers/promises"
import { z } from "zod"
import { no, ok, type Result } from "../../domain/fault.ts"
import { parseId } from "../../domain/ids.ts"
import type { Answer } from "../face.ts"
import { type Filter, parseFilter } from "./filter.ts"
import { wholeNumber } from "./wire/words.ts"

const largestPage = 1000
/** Who has more than that is told to ask for less, rather than given a part for the whole. */
const mostLookedAt = 10_000
/** Fields of a filter times things it looks at. */
const mostComparisons = 100_000
const comparisonsATurn = 200
const mostOrders = 8

/** `$count` asks for the number of all, whatever its value; that is always told. */
export const ListQuery = z.object({
  $top: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(largestPage),
  $skip: wholeNumber(0, Number.MAX_SAFE_INTEGER).default(0),
  $filter: z.exactOptional(z.string()),
  $orderby: z.exactOptional(z.string().max(1024)),
  $select: z.exactOptional(z.string().max(4096)),
})
export type ListQuery = z.output<typeof ListQuery>

/** Everything as it is sent, by its members' names. */
export type Shown = { id: string }

export type Source<T> = {
  /** One by its id, or undefined. */
  get?(id: string): Promise<Result<T>>
  list(page: { limit: number; offset: number; name?: string }): Promise<Result<T[]>>
  count(): Promise<Result<number>>
  render(thing: T): Shown
  /** What `$select` cannot leave out, because the API's schema requires it. */
  required: readonly string[]
}

export async function listed<T>(source: Source<T>, query: ListQuery): Promise<Result<Answer>> {
  const filter = query.$filter === undefined ? ok(null) : parseFilter(query.$filter)
  if (!filter.ok) return filter
  const order = orderBy(query.$orderby ?? "")
  if (!order.ok) return order
  const found = await pageOf(source, query, filter.value, order.value)
  if (!found.ok) return found
  const content = found.value.page.map((thing) => selected(thing, query.$select, source.required))
  const { total } = found.value
  const body = { content, numberOfElements: content.length, totalElements: total }
  return ok({ status: 200, body })
}

type Found = { page: Shown[]; total: number }

async function pageOf<T>(
  source: Source<T>,
  { $top, $skip }: ListQuery,
  filter: Filter | null,
  order: Order | null,
): Promise<Result<Found>> {
  const limit = Math.min($top, largestPage)
  if (filter === null && order === null) {
    const all = await source.count()
    if (!all.ok) return all
    if (limit === 0 || $skip >= all.value) return ok({ page: [], total: all.value })
    const things = await source.list({ limit, offset: $skip })
    return things.ok ? ok({ page: things.value.map(source.render), total: all.value }) : things
  }
  const things = await candidates(source, filter)
  if (!things.ok) return things
  const sifted = await matching(things.value, source, filter)
  if (!sifted.ok) return sifted
  const all = sifted.value
  const sorted = order === null ? all : all.sort(order)
  return ok({ page: sorted.slice($skip, $skip + limit), total: all.length })
}

/** Others have their turn in between: nobody else waits for a filter that takes long. */
async function matching<T>(
  things: readonly T[],
  source: Source<T>,
  filter: Filter | null,
): Promise<Result<Shown[]>> {
  const terms = filter?.terms ?? 0
  if (terms * things.length > mostComparisons) return tooCostly
  const found: Shown[] = []
  const atOnce = Math.ceil(comparisonsATurn / Math.max(1, terms))
  for (let from = 0; from < things.length; from += atOnce) {
    const shown = things.slice(from, from + atOnce).map(source.render)
    found.push(...shown.filter((thing) => filter?.matches(thing) ?? true))
    await aTurn()
  }
  return ok(found)
}

/** At least all that the filter will let pass. */
async function candidates<T>(source: Source<T>, filter: Filter | null): Promise<Result<T[]>> {
  const { path, text } = filter?.only ?? { path: "", text: "" }
  if (path === "id" && source.get !== undefined) {
    const id = parseId(text)
    const one = id === undefined ? undefined : await source.get(id)
    if (one?.ok) return ok([one.value])
    return one === undefined || one.fault.kind === "not-found" ? ok([]) : one
  }
  return await everything(source, path === "name" ? text : undefined)
}

async function everything<T>(source: Source<T>, name: string | undefined): Promise<Result<T[]>> {
  const all: T[] = []
  for (;;) {
    const page = { limit: largestPage, offset: all.length }
    const found = await source.list(name === undefined ? page : { ...page, name })
    if (!found.ok) return found
    all.push(...found.value)
    if (found.value.length < largestPage) return ok(all)
    if (all.length >= mostLookedAt) return tooMany
  }
}

const tooMany = no({
  kind: "invalid",
  field: "$filter",
  why: `looks through at most ${mostLookedAt} things; ask for one by its id or its name`,
})

const tooCostly = no({
  kind: "invalid",
  field: "$filter",
  why: `compares at most ${mostComparisons} fields of all things together; name fewer fields`,
})

type Order = (a: Shown, b: Shown) => number

/** `name desc, createdAt`: one or more fields, each ascending unless it says otherwise. */
function orderBy(text: string): Result<Order | null> {
  if (text === "") return ok(null)
  const orders: Order[] = []
  const parts = text.split(",")
  if (parts.length > mostOrders) {
    return no({ kind: "invalid", field: "$orderby", why: `names at most ${mostOrders} fields` })
  }
  for (const part of parts) {
    const [, field, direction = "asc"] = /^\s*([\w.]+)(?:\s+(asc|desc))?\s*$/i.exec(part) ?? []
    if (field === undefined) {
      const why = "must be fields with commas between them, each with asc or desc after it or none"
      return no({ kind: "invalid", field: "$orderby", why })
    }
    const sign = direction.toLowerCase() === "desc" ? -1 : 1
    orders.push((a, b) => sign * compared(fieldOf(a, field), fieldOf(b, field)))
  }
  return ok((a, b) => orders.reduce((decided, order) => decided || order(a, b), 0))
}

function fieldOf(thing: unknown, path: string): unknown {
  let at = thing
  for (const key of path.split(".")) {
    if (typeof at !== "object" || at === null || !Object.hasOwn(at, key)) return undefined
    at = (at as Record<string, unknown>)[key]
  }
  return at
}

/** What is not there comes first. */
function compared(a: unknown, b: unknown): number {
  if (typeof a === "number" && typeof b === "number") return a - b
  const [left, right] = [a, b].map((each) => (each === undefined ? "" : String(each)))
  if (left === right) return 0
  return (left ?? "") < (right ?? "") ? -1 : 1
}

/** The members that are named, and those that must be there. All of them where none is named. */
export function selected(
  thing: Shown,
  select: string | undefined,
  required: readonly string[],
): object {
  if (select === undefined) return thing
  const names = new Set([...select.split(",").map((name) => name.trim()), ...required])
  return Object.fromEntries(Object.entries(thing).filter(([name]) => names.has(name)))
}
