/** Memory kept with snapshots, guests held still for one, quotas, and giving operations up. */
import { type Kysely, sql } from "kysely"

type NewDb = Kysely<Record<string, Record<string, unknown>>>

export async function up(db: NewDb): Promise<void> {
  const add = (table: string) => db.schema.alterTable(table)
  await add("account").addColumn("quota", "text").execute()
  await add("machine").addColumn("held", "text").execute()
  await add("snapshot").addColumn("memory_bytes", "bigint").execute()
  const none = (column: string) =>
    add("operation")
      .addColumn(column, "bigint", (c) => c.notNull().defaultTo(0))
      .execute()
  await none("reserved_bytes")
  await none("cancelled")
  await indexes(db)
}

/** For sums of what few rows have, and for finding what is old enough to be forgotten. */
async function indexes(db: NewDb): Promise<void> {
  const index = (name: string, table: string, columns: string[], only: string) =>
    db.schema.createIndex(name).on(table).columns(columns).where(sql.raw<boolean>(only)).execute()
  const reserved = ["node", "account_id", "reserved_bytes"]
  await index("operation_reserved", "operation", reserved, "reserved_bytes > 0")
  await index("operation_ended", "operation", ["ended_at", "id"], "state in ('done', 'undone')")
  const memory = ["account_id", "memory_bytes"]
  await index("snapshot_memory", "snapshot", memory, "memory_bytes > 0")
  await index("token_by_expiry", "token", ["expires_at"], "expires_at is not null")
}
