/** A connection for Kysely that prepares each text once: most of a short query is preparing it. */
import type { Database, Statement } from "better-sqlite3"
import type { SqliteDatabase, SqliteStatement } from "kysely"

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

  prepare(text: string): SqliteStatement {
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
