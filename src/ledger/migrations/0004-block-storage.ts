/** What clients of block storage are told: copies' origins, claimed states, how a token was got. */
import type { Kysely } from "kysely"

type NewDb = Kysely<Record<string, Record<string, unknown>>>

export async function up(db: NewDb): Promise<void> {
  const columns = {
    volume: ["from_volume_id", "claim"],
    snapshot: ["claim"],
    token: ["story"],
  }
  for (const [table, names] of Object.entries(columns)) {
    for (const name of names) await db.schema.alterTable(table).addColumn(name, "text").execute()
  }
}
