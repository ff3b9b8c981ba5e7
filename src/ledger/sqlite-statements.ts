/**
 * A connection to SQLite that prepares each text once: most of a short query is wording and
 * preparing it.
 */
import type { Database, Statement } from "better-sqlite3"
import type { Kysely, SqliteDatabase, SqliteStatement } from "kysely"
import type { SqlValue } from "./codec.ts"
import type { Connection, Wording } from "./store.ts"
import { anyTable, type Tables } from "./tables.ts"

/** Far more than the ledger has texts; past it the cache starts afresh. */
const mostStatements = 1000

export class CachedStatements implements SqliteDatabase {
  readonly #database: Database
  readonly #onPrepare: (text: string) => void
  readonly #statements = new Map<string, Statement<unknown[]>>()

  constructor(database: Database, onPrepare: (text: string) => void = () => {}) {
    this.#database = database
    this.#onPrepare = onPrepare
  }

  prepare(text: string): Statement<unknown[]> & SqliteStatement {
    const known = this.#statements.get(text)
    if (known !== undefined) return known
    if (this.#statements.size >= mostStatements) this.#statements.clear()
    const statement = this.#database.prepare<unknown[]>(text)
    this.#statements.set(text, statement)
    this.#onPrepare(text)
    return statement
  }

  close(): void {
    this.#database.close()
  }
}

export function connectionOver(statements: CachedStatements, db: Kysely<Tables>): Connection {
  const shapes = new Map<string, Statement<unknown[]>>()
  const prepared = (shape: string, values: readonly SqlValue[], word: Wording) => {
    const known = shapes.get(shape)
    if (known !== undefined) return known
    const { sql, parameters } = word(anyTable(db)).compile()
    // Else the first query of this shape would be right, and every later one wrong.
    if (!isSame(parameters, values)) throw new Error(`the values of ${shape} are not its words'`)
    if (shapes.size >= mostStatements) shapes.clear()
    const statement = statements.prepare(sql)
    shapes.set(shape, statement)
    return statement
  }
  return {
    db,
    async all<Row>(shape: string, values: readonly SqlValue[], word: Wording) {
      return prepared(shape, values, word).all(...values) as Row[]
    },
    async run(shape, values, word) {
      return prepared(shape, values, word).run(...values).changes
    },
  }
}

const isSame = (words: readonly unknown[], values: readonly SqlValue[]) =>
  words.length === values.length && words.every((one, nth) => one === values[nth])
