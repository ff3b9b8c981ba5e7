/**
 * What the ledger needs of a database beyond SQL that all of them speak. Everything in which one
 * database differs from another is behind this, in one file for each.
 */
import type { Db } from "./tables.ts"

export interface Store {
  /** Each query by itself sees the newest committed state, and waits for no transaction. */
  readonly reader: Db
  /**
   * One transaction: serial with every other, durable when it resolves, and without any effect
   * when `work` throws. `work` waits for nothing but the database it is given.
   */
  write<T>(work: (db: Db) => Promise<T>): Promise<T>
  backup(file: string): Promise<void>
  /** What the database finds wrong with its own files, in its own words. */
  integrity(): Promise<string[]>
  close(): Promise<void>
}
