/** The room of any kind of thing: five verbs over one table, the lists keyset-paged by id. */
import type { SqlValue, Table } from "./codec.ts"
import type { Page, Room } from "./ledger.ts"
import { allOf, conditionsOf, mostAtOnce, shapeOf, valuesOf } from "./matching.ts"
import type { Connection } from "./store.ts"

type Row = Record<string, SqlValue>

export const room = <T extends { id: string }>(to: Connection, table: Table<T>): Room<T> => ({
  ...listing(to, table),
  ...counting(to, table),
  ...changing(to, table),
})

function listing<T extends { id: string }>(
  to: Connection,
  table: Table<T>,
): Pick<Room<T>, "get" | "find"> {
  const { name } = table
  return {
    async get(id) {
      const [found] = await to.all<Row>(`${name}: get`, [id], (db) =>
        db.selectFrom(name).selectAll().where("id", "=", id),
      )
      return found && table.decode(found)
    },

    async find(where, page) {
      const conditions = conditionsOf(table, where)
      const { after } = page ?? {}
      const newestFirst = page?.order === "newest-first"
      const shape = `${name}: find ${shapeOf(conditions)} ${newestFirst} ${after !== undefined}`
      const [limit, offset] = [limitOf(page), page?.offset ?? 0]
      const start = after === undefined ? [] : [after]
      const values = [...valuesOf(conditions), ...start, limit, offset]
      const found = await to.all<Row>(shape, values, (db) => {
        let query = db
          .selectFrom(name)
          .selectAll()
          .where((eb) => allOf(eb, conditions))
        if (after !== undefined) query = query.where("id", newestFirst ? "<" : ">", after)
        return query
          .orderBy("id", newestFirst ? "desc" : "asc")
          .limit(limit)
          .offset(offset)
      })
      if (page === undefined && found.length > mostAtOnce) {
        throw new Error(`more than ${mostAtOnce} rows of ${name} match: ask for a page`)
      }
      return found.map(table.decode)
    },
  }
}

function counting<T extends { id: string }>(
  to: Connection,
  table: Table<T>,
): Pick<Room<T>, "count" | "sum"> {
  const { name } = table
  return {
    async count(where) {
      const conditions = conditionsOf(table, where)
      const [counted] = await to.all<{ n: number }>(
        `${name}: count ${shapeOf(conditions)}`,
        valuesOf(conditions),
        (db) =>
          db
            .selectFrom(name)
            .select((eb) => eb.fn.countAll<number>().as("n"))
            .where((eb) => allOf(eb, conditions)),
      )
      return counted?.n ?? 0
    },

    async sum(field, where) {
      const conditions = conditionsOf(table, where)
      const column = table.column(field).name
      const [summed] = await to.all<{ total: number }>(
        `${name}: sum ${column} ${shapeOf(conditions)}`,
        valuesOf(conditions),
        (db) =>
          db
            .selectFrom(name)
            .select((eb) => eb.fn.coalesce(eb.fn.sum<number>(column), eb.lit(0)).as("total"))
            .where((eb) => allOf(eb, conditions))
            // In so many words: an index over the rows that have something is enough then.
            .where((eb) => eb(column, ">", eb.lit(0))),
      )
      return summed?.total ?? 0
    },
  }
}

function changing<T extends { id: string }>(
  to: Connection,
  table: Table<T>,
): Pick<Room<T>, "add" | "change" | "remove"> {
  const { name } = table
  return {
    async add(row) {
      const columns = table.encode(row)
      await to.run(`${name}: add ${namesIn(columns)}`, Object.values(columns), (db) =>
        db.insertInto(name).values(columns),
      )
    },

    async change(id, patch) {
      const columns = table.encode(patch)
      const values = Object.values(columns)
      if (values.length === 0) throw new Error(`a change of nothing in ${name}`)
      const changed = await to.run(`${name}: change ${namesIn(columns)}`, [...values, id], (db) =>
        db.updateTable(name).set(columns).where("id", "=", id),
      )
      if (changed === 0) throw new Error(`no ${name} ${id} to change`)
    },

    async remove(id) {
      await to.run(`${name}: remove`, [id], (db) => db.deleteFrom(name).where("id", "=", id))
    },
  }
}

export const namesIn = (columns: Row): string => Object.keys(columns).join()

export function limitOf(page: Page | undefined): number {
  if (page === undefined) return mostAtOnce + 1
  if (!Number.isSafeInteger(page.limit) || page.limit <= 0) throw new Error(`limit ${page.limit}`)
  return page.limit
}
