/** What the faces of other clouds need kept: labels, types, scoped tokens, and who asked for what. */
import { type Kysely, sql } from "kysely"

type NewDb = Kysely<Record<string, Record<string, unknown>>>

export async function up(db: NewDb): Promise<void> {
  const add = (table: string) => db.schema.alterTable(table)
  for (const table of ["machine", "volume", "snapshot"]) {
    await add(table)
      .addColumn("description", "text", (c) => c.notNull().defaultTo(""))
      .execute()
    for (const column of ["metadata", "tags"]) {
      await add(table)
        .addColumn(column, "text", (c) => c.notNull().defaultTo("{}"))
        .execute()
    }
  }
  await add("machine")
    .addColumn("deletion_protected", "bigint", (c) => c.notNull().defaultTo(0))
    .execute()
  await add("volume").addColumn("type", "text").execute()
  await add("volume").addColumn("from_point_id", "text").execute()
  await add("token").addColumn("account_id", "text").execute()
  await add("token").addColumn("role", "text").execute()
  await add("operation").addColumn("subject_id", "text").execute()
  await sql`update operation set subject_id = target_id`.execute(db)
  await add("operation").addColumn("caller", "text").execute()
  await add("operation")
    .addColumn("dismissed", "bigint", (c) => c.notNull().defaultTo(0))
    .execute()
  await owners(db)
  await credentials(db)
  const index = (name: string, table: string, columns: string[]) =>
    db.schema.createIndex(name).on(table).columns(columns).execute()
  await index("point_by_account", "point", ["account_id", "id"])
  await index("operation_by_subject", "operation", ["subject_id", "id"])
  await index("token_by_kind", "token", ["user_id", "kind", "id"])
}

/** Lists of points are an account's: their owner is written on them, to be found by an index. */
async function owners(db: NewDb): Promise<void> {
  await db.schema
    .alterTable("point")
    .addColumn("account_id", "text", (c) => c.notNull().defaultTo(""))
    .execute()
  await sql`update point set account_id = coalesce(
    (select snapshot.account_id from snapshot where snapshot.id = point.snapshot_id), '')`.execute(
    db,
  )
}

async function credentials(db: NewDb): Promise<void> {
  await db.schema
    .createTable("app_credential")
    .addColumn("id", "text", (c) => c.notNull().primaryKey())
    .addColumn("user_id", "text", (c) =>
      c.notNull().references("user_account.id").onDelete("cascade"),
    )
    .addColumn("account_id", "text", (c) => c.notNull())
    .addColumn("name", "text", (c) => c.notNull())
    .addColumn("description", "text", (c) => c.notNull())
    .addColumn("role", "text", (c) => c.notNull())
    .addColumn("secret_hash", "text", (c) => c.notNull())
    .addColumn("expires_at", "bigint")
    .addColumn("created_at", "bigint", (c) => c.notNull())
    .execute()
  const index = (name: string, columns: string[]) =>
    db.schema.createIndex(name).on("app_credential").columns(columns).execute()
  await index("app_credential_by_user", ["user_id", "id"])
  await index("app_credential_by_name", ["user_id", "name", "id"])
  await db.schema
    .alterTable("token")
    .addColumn("credential_id", "text", (c) =>
      c.references("app_credential.id").onDelete("cascade"),
    )
    .execute()
  await db.schema
    .createIndex("token_by_credential")
    .on("token")
    .columns(["credential_id", "id"])
    .where("credential_id", "is not", null)
    .execute()
}
