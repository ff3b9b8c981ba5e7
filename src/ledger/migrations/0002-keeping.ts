/** Memory kept with snapshots, guests held still for one, quotas, and giving operations up. */
import type { Kysely } from "kysely"

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
}
