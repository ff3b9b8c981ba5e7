/**
 * SQLite, and all in which it differs from other databases: one connection that writes, in WAL
 * mode with a flush at every commit, and a second one that reads the newest committed state
 * without waiting for it.
 */
import { mkdtemp, open, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import type { Database } from "better-sqlite3"
import Sqlite from "better-sqlite3"
import type { SqliteDatabase } from "kysely"
import { Kysely, SqliteAdapter, SqliteDialect } from "kysely"
import { Refusal } from "../domain/fault.ts"
import { groupCommit } from "./group-commit.ts"
import type { Ledger } from "./ledger.ts"
import { migrate } from "./migrations.ts"
import { sqlLedger } from "./sql-ledger.ts"
import { backupSqlite } from "./sqlite-backup.ts"
import { rememberDistribution } from "./sqlite-plans.ts"
import { CachedStatements, connectionOver } from "./sqlite-statements.ts"
import type { Store } from "./store.ts"
import type { Tables } from "./tables.ts"

export type SqliteOptions = {
  /** OFF is for tests: commits survive the process, but not a power cut. */
  synchronous?: "FULL" | "OFF"
  /** Told each new statement's text, once for each connection. */
  onPrepare?(text: string): void
}

const busyTimeoutMs = 5000
/** KiB for each connection, an eighth of what the library takes: the kernel keeps the file, too. */
const cacheSize = "cache_size = -2000"
/**
 * Pages in the log before they go into the file, where the library has 1000. A busy service writes
 * some forty for each snapshot, most of them the same again and again: each goes over once.
 */
const checkpointPages = 4000

/** `:memory:` is a database for one test: a file with no name, gone with its last connection. */
export async function openSqliteLedger(file: string, options: SqliteOptions = {}): Promise<Ledger> {
  return sqlLedger(await openSqliteStore(file, options))
}

export async function openSqliteStore(file: string, options: SqliteOptions): Promise<Store> {
  if (file !== ":memory:") return openFile(resolve(file), options)
  const directory = await mkdtemp(join(tmpdir(), "tintype-ledger-"))
  try {
    return await openFile(join(directory, "ledger.db"), { ...options, synchronous: "OFF" })
  } finally {
    await rm(directory, { recursive: true })
  }
}

async function openFile(file: string, options: SqliteOptions): Promise<Store> {
  // It holds hashes of secrets; the files that SQLite puts beside it take its mode.
  await (await open(file, "a", 0o600)).close()
  const writing = new Sqlite(file, { timeout: busyTimeoutMs })
  let reading: Database | undefined
  try {
    await prepareFile(writing, options)
    reading = new Sqlite(file, { timeout: busyTimeoutMs, readonly: true })
    reading.pragma(cacheSize)
    return storeOf(writing, reading, options)
  } catch (cause) {
    reading?.close()
    writing.close()
    throw readable(cause, file)
  }
}

async function prepareFile(writing: Database, options: SqliteOptions): Promise<void> {
  writing.pragma("journal_mode = wal")
  writing.pragma(`synchronous = ${options.synchronous ?? "FULL"}`)
  writing.pragma("foreign_keys = on")
  writing.pragma(cacheSize)
  // A savepoint's own journal would otherwise be a file, elsewhere, at every larger transaction.
  writing.pragma("temp_store = memory")
  writing.pragma(`wal_autocheckpoint = ${checkpointPages}`)
  writing.pragma(`journal_size_limit = ${64 * 2 ** 20}`)
  await migrate(kyselyOver(writing))
  rememberDistribution(writing)
}

function storeOf(writing: Database, reading: Database, options: SqliteOptions): Store {
  // Opens the reader's files now: from here on the names of the files are needed no more.
  reading.prepare("select count(*) from setting").get()
  const writer = connectionTo(writing, options)
  const commits = groupCommit(writing)
  return {
    reader: connectionTo(reading, options),
    write: (work, durable) => commits.run(() => work(writer), durable),
    // The writing connection's own changes go into a backup under way; another's restart it.
    backup: (file) => backupSqlite(writing, file),
    async integrity() {
      const found = reading.pragma("integrity_check(100)", { simple: false }) as object[]
      const words = found.flatMap((row) => Object.values(row).map(String))
      const strays = reading.pragma("foreign_key_check") as { table: string; parent: string }[]
      return [
        ...words.filter((word) => word !== "ok"),
        ...strays.slice(0, 100).map((row) => `a ${row.table} belongs to a ${row.parent} not there`),
      ]
    },
    async close() {
      await commits.close()
      reading.close()
      writing.close()
    },
  }
}

function connectionTo(database: Database, { onPrepare }: SqliteOptions) {
  const statements = new CachedStatements(database, onPrepare)
  return connectionOver(statements, kyselyOver(statements))
}

const kyselyOver = (database: SqliteDatabase) =>
  new Kysely<Tables>({ dialect: new Dialect({ database }) })

class Dialect extends SqliteDialect {
  override createAdapter() {
    return new Adapter()
  }
}

class Adapter extends SqliteAdapter {
  // SQLite's tables are made in transactions like anything else; Kysely is over-careful here.
  override get supportsTransactionalDdl() {
    return true
  }
}

const broken = ["SQLITE_NOTADB", "SQLITE_CORRUPT", "SQLITE_CANTOPEN", "SQLITE_READONLY"]

function readable(cause: unknown, file: string): unknown {
  if (!(cause instanceof Sqlite.SqliteError)) return cause
  if (!broken.some((code) => cause.code.startsWith(code))) return cause
  return new Refusal({
    kind: "unavailable",
    what: `the ledger in ${file}`,
    remedy: `SQLite says: ${cause.message}; restore a backup, or run tintype doctor --rebuild`,
  })
}
