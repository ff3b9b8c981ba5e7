/**
 * What the ledger needs of a database beyond SQL that all of them speak. Everything in which one
 * database differs from another is behind this, in one file for each.
 */
import type { CompiledQuery } from "kysely"
import type { SqlValue } from "./codec.ts"
import type { AnyDb, Db } from "./tables.ts"

export interface Store {
  /** Each query by itself sees the newest committed state, and waits for no transaction. */
  readonly reader: Connection
  /**
   * One transaction: serial with every other, durable when it resolves unless it may be so later,
   * and without any effect when `work` throws. `work` waits for nothing but the database it is
   * given.
   */
  write<T>(work: (db: Connection) => Promise<T>, durable?: Durable): Promise<T>
  backup(file: string): Promise<void>
  /** What the database finds wrong with its own files, in its own words. */
  integrity(): Promise<string[]>
  close(): Promise<void>
}

/**
 * `later`: seen by all at once, and durable no later than the next transaction that is; a power
 * cut before that takes it back, with nothing that came after it left standing.
 */
export type Durable = "now" | "later"

/**
 * A query costs more to word than to answer. So each shape of one is worded once, by Kysely, and
 * is kept prepared under its name; after that only its values are given, in the order in which the
 * words have them.
 */
export interface Connection {
  readonly db: Db
  all<Row>(shape: string, values: readonly SqlValue[], word: Wording): Promise<Row[]>
  /** Resolves with how many rows it changed. */
  run(shape: string, values: readonly SqlValue[], word: Wording): Promise<number>
}
export type Wording = (db: AnyDb) => { compile(): CompiledQuery }
