/**
 * Brings a database to the tables of this version. Forward only, and each migration whole or not
 * at all; a database that knows migrations which we do not is left alone.
 */
import type { Kysely } from "kysely"
import { type Migration, Migrator } from "kysely/migration"
import { Refusal } from "../domain/fault.ts"
import { up as first } from "./migrations/0001-first.ts"
import { up as keeping } from "./migrations/0002-keeping.ts"
import { up as faces } from "./migrations/0003-faces.ts"
import { up as blockStorage } from "./migrations/0004-block-storage.ts"

/** In this order, and never changed once released: the tables out there were made by them. */
const all: Record<string, Migration> = {
  "0001-first": { up: first },
  "0002-keeping": { up: keeping },
  "0003-faces": { up: faces },
  "0004-block-storage": { up: blockStorage },
}

const migrationTableName = "migration"

export async function migrate<Tables>(db: Kysely<Tables>): Promise<void> {
  const unknown = (await applied(db)).filter((name) => !(name in all))
  if (unknown.length > 0) throw tooNew(unknown)
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => all },
    migrationTableName,
    migrationLockTableName: "migration_lock",
  })
  const { error } = await migrator.migrateToLatest()
  if (error !== undefined)
    throw new Error("the ledger's tables could not be made", { cause: error })
}

async function applied<Tables>(tables: Kysely<Tables>): Promise<string[]> {
  const db = tables as unknown as Kysely<Record<string, { name: string }>>
  const known = await db.introspection.getTables({ withInternalKyselyTables: true })
  if (!known.some((table) => table.name === migrationTableName)) return []
  const rows = await db.selectFrom(migrationTableName).select("name").orderBy("name").execute()
  return rows.map((row) => row.name)
}

const tooNew = (unknown: readonly string[]) =>
  new Refusal({
    kind: "unavailable",
    what: "the ledger",
    remedy: `it was written by a newer version (${unknown.join(", ")}); run that one, or restore a backup made by this one`,
  })
