/** What engines remember: their own records, opaque to everybody else. */
import type { EngineMemoryTx } from "../domain/engine-memory.ts"
import type { Db } from "./tables.ts"
import { engineRecords } from "./tables.ts"

export function engineRecordsOf(db: Db, engine: string): EngineMemoryTx {
  const ofKind = (kind: string) =>
    db.selectFrom("engine_record").selectAll().where("engine", "=", engine).where("kind", "=", kind)
  return {
    async get(kind, id) {
      const found = await ofKind(kind).where("id", "=", id).executeTakeFirst()
      return found && engineRecords.decode(found)
    },

    async children(kind, parent) {
      const found = await ofKind(kind).where("parent", "=", parent).orderBy("id").execute()
      return found.map(engineRecords.decode)
    },

    async all(kind) {
      const found = await ofKind(kind).orderBy("id").execute()
      return found.map(engineRecords.decode)
    },

    async put(record) {
      const row = { ...engineRecords.encode(record), engine }
      await db
        .insertInto("engine_record")
        .values(row as never)
        .onConflict((conflict) =>
          conflict.columns(["engine", "kind", "id"]).doUpdateSet((eb) => ({
            parent: eb.ref("excluded.parent"),
            body: eb.ref("excluded.body"),
          })),
        )
        .execute()
    },

    async remove(kind, id) {
      await db
        .deleteFrom("engine_record")
        .where("engine", "=", engine)
        .where("kind", "=", kind)
        .where("id", "=", id)
        .execute()
    },
  }
}
