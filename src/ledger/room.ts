/** The room of any kind of thing: five verbs over one table, the lists keyset-paged by id. */
import type { Expression, ExpressionBuilder, SqlBool } from "kysely"
import type { SqlValue, Table } from "./codec.ts"
import { encodeValue } from "./codec.ts"
import type { Page, Room, Where } from "./ledger.ts"
import type { Db } from "./tables.ts"
import { anyTable } from "./tables.ts"

/** More rows than this are never read at once without a page, nor more values asked for. */
export const mostAtOnce = 10_000

export function room<T extends { id: string }>(tables: Db, table: Table<T>): Room<T> {
  const db = anyTable(tables)
  return {
    async get(id) {
      const found = await db
        .selectFrom(table.name)
        .selectAll()
        .where("id", "=", id)
        .executeTakeFirst()
      return found && table.decode(found)
    },

    async find(where, page) {
      const limit = limitOf(page)
      const newestFirst = page?.order === "newest-first"
      let query = db
        .selectFrom(table.name)
        .selectAll()
        .where((eb) => matching(eb, table, where))
      if (page?.after !== undefined) query = query.where("id", newestFirst ? "<" : ">", page.after)
      const found = await query
        .orderBy("id", newestFirst ? "desc" : "asc")
        .limit(limit)
        .offset(page?.offset ?? 0)
        .execute()
      if (page === undefined && found.length > mostAtOnce) {
        throw new Error(`more than ${mostAtOnce} rows of ${table.name} match: ask for a page`)
      }
      return found.map(table.decode)
    },

    async count(where) {
      const { n } = await db
        .selectFrom(table.name)
        .select((eb) => eb.fn.countAll<number>().as("n"))
        .where((eb) => matching(eb, table, where))
        .executeTakeFirstOrThrow()
      return n
    },

    async sum(field, where) {
      const { name } = table.column(field)
      const { total } = await db
        .selectFrom(table.name)
        .select((eb) => eb.fn.coalesce(eb.fn.sum<number>(name), eb.lit(0)).as("total"))
        .where((eb) => matching(eb, table, where))
        // In so many words: an index over the rows that have something is enough then.
        .where((eb) => eb(name, ">", eb.lit(0)))
        .executeTakeFirstOrThrow()
      return total
    },

    async add(row) {
      await db.insertInto(table.name).values(table.encode(row)).execute()
    },

    async change(id, patch) {
      const columns = table.encode(patch)
      if (Object.keys(columns).length === 0) throw new Error(`a change of nothing in ${table.name}`)
      const { numUpdatedRows } = await db
        .updateTable(table.name)
        .set(columns)
        .where("id", "=", id)
        .executeTakeFirstOrThrow()
      if (numUpdatedRows === 0n) throw new Error(`no ${table.name} ${id} to change`)
    },

    async remove(id) {
      await db.deleteFrom(table.name).where("id", "=", id).execute()
    },
  }
}

export function limitOf(page: Page | undefined): number {
  if (page === undefined) return mostAtOnce + 1
  if (!Number.isSafeInteger(page.limit) || page.limit <= 0) throw new Error(`limit ${page.limit}`)
  return page.limit
}

type AnyColumns = Record<string, Record<string, SqlValue>>
type Builder = ExpressionBuilder<AnyColumns, string>

type Column = string | Expression<SqlValue>

/** Where a query reads several tables, `columnOf` says how it names the columns of this one. */
export function matching<T>(
  eb: Builder,
  table: Table<T>,
  where: Where<T>,
  columnOf: (name: string) => Column = (name) => name,
): Expression<SqlBool> {
  const tests = Object.entries(where).map(([field, wanted]) => {
    const { name, kind } = table.column(field as keyof T & string)
    const place = `${table.name}.${field}`
    if (kind === "json") throw new Error(`${place} is JSON; nothing is found by it`)
    const values = Array.isArray(wanted) ? wanted : [wanted]
    if (values.length > mostAtOnce) throw new Error(`${values.length} values for ${place}`)
    const encoded = values.map((value) => encodeValue(kind, value, place))
    return oneOf(eb, columnOf(name), encoded, kind === "flag")
  })
  return eb.and(tests)
}

function oneOf(eb: Builder, column: Column, values: SqlValue[], flag: boolean) {
  const present = values.filter((value) => value !== null)
  const [first, ...more] = present
  const tests: Expression<SqlBool>[] = []
  if (present.length < values.length) tests.push(eb(column, "is", null))
  if (first !== undefined && more.length === 0) {
    // A flag goes into the text itself: only so can an index over the rare value be used.
    tests.push(eb(column, "=", flag ? eb.lit(first as number) : first))
  } else if (first !== undefined) {
    tests.push(eb(column, "in", padded(present)))
  }
  // No value at all matches nothing: an empty `or` is false.
  return eb.or(tests)
}

/** Repeats the last value up to a power of two, so that few statements serve all lengths. */
function padded(values: SqlValue[]): SqlValue[] {
  const length = 2 ** Math.ceil(Math.log2(values.length))
  return [...values, ...new Array(length - values.length).fill(values.at(-1))]
}
