/**
 * What is asked of a row's fields, as conditions on columns: from these come a query's words, its
 * values in their order, and the name under which its words are kept.
 */
import type { Expression, ExpressionBuilder, SqlBool } from "kysely"
import { encodeValue, type SqlValue, type Table } from "./codec.ts"
import type { Where } from "./ledger.ts"

/** More rows than this are never read at once without a page, nor more values asked for. */
export const mostAtOnce = 10_000

export type Condition = {
  column: string
  /** Null is one of what is wanted. */
  orNull: boolean
  /** Any of these. */
  values: readonly SqlValue[]
  /** The value stands in the words themselves: only so can an index over the rare value be used. */
  literal: boolean
}

export function conditionsOf<T>(table: Table<T>, where: Where<T>): Condition[] {
  const conditions: Condition[] = []
  for (const field in where) {
    const { name, kind } = table.column(field as keyof T & string)
    const place = `${table.name}.${field}`
    if (kind === "json") throw new Error(`${place} is JSON; nothing is found by it`)
    const wanted: unknown = where[field]
    const all = Array.isArray(wanted) ? wanted : [wanted]
    if (all.length > mostAtOnce) throw new Error(`${all.length} values for ${place}`)
    const encoded = all.map((value) => encodeValue(kind, value, place))
    const present = encoded.filter((value) => value !== null)
    conditions.push({
      column: name,
      orNull: present.length < encoded.length,
      values: padded(present),
      literal: kind === "flag" && present.length === 1,
    })
  }
  return conditions
}

/** Repeats the last value up to a power of two, so that few statements serve all lengths. */
export function padded<V>(values: V[]): V[] {
  if (values.length < 2) return values
  const length = 2 ** Math.ceil(Math.log2(values.length))
  return [...values, ...new Array(length - values.length).fill(values.at(-1))]
}

export const shapeOf = (conditions: readonly Condition[]): string =>
  conditions.map(shapeOfOne).join(" ")

const shapeOfOne = ({ column, orNull, values, literal }: Condition) =>
  `${column}${orNull ? "?" : ""}${literal ? `=${values[0]}` : values.length}`

export const valuesOf = (conditions: readonly Condition[]): SqlValue[] =>
  conditions.flatMap(({ literal, values }) => (literal ? [] : values))

type AnyColumns = Record<string, Record<string, SqlValue>>
type Builder = ExpressionBuilder<AnyColumns, string>
type Column = string | Expression<SqlValue>

/** Where a query reads several tables, `columnOf` says how it names the columns of this one. */
export const allOf = (
  eb: Builder,
  conditions: readonly Condition[],
  columnOf: (name: string) => Column = (name) => name,
): Expression<SqlBool> => eb.and(conditions.map((one) => testOf(eb, one, columnOf(one.column))))

function testOf(eb: Builder, { orNull, values, literal }: Condition, column: Column) {
  const tests: Expression<SqlBool>[] = []
  if (orNull) tests.push(eb(column, "is", null))
  const [first] = values
  if (values.length > 1) tests.push(eb(column, "in", values))
  else if (first !== undefined) {
    tests.push(eb(column, "=", literal ? eb.lit(first as number) : first))
  }
  // No value at all matches nothing: an empty `or` is false.
  return eb.or(tests)
}
