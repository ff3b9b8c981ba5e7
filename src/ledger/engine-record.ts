/** What engines remember: their own records, opaque to everybody else. */
import type { EngineMemoryTx, EngineRecord } from "../domain/engine-memory.ts"
import type { SqlValue } from "./codec.ts"
import type { Connection } from "./store.ts"
import type { AnyDb } from "./tables.ts"
import { engineRecords } from "./tables.ts"

type Row = Record<string, SqlValue>

export function engineRecordsOf(to: Connection, engine: string): EngineMemoryTx {
  const ofKind = (db: AnyDb, kind: string) =>
    db.selectFrom("engine_record").selectAll().where("engine", "=", engine).where("kind", "=", kind)
  const decoded = (rows: Row[]): EngineRecord[] => rows.map(engineRecords.decode)
  return {
    async get(kind, id) {
      const [found] = await to.all<Row>("engine record: get", [engine, kind, id], (db) =>
        ofKind(db, kind).where("id", "=", id),
      )
      return found && engineRecords.decode(found)
    },

    async children(kind, parent) {
      const values = [engine, kind, parent]
      return decoded(
        await to.all("engine record: children", values, (db) =>
          ofKind(db, kind).where("parent", "=", parent).orderBy("id"),
        ),
      )
    },

    async all(kind) {
      const values = [engine, kind]
      return decoded(
        await to.all("engine record: all", values, (db) => ofKind(db, kind).orderBy("id")),
      )
    },

    async put(record) {
      const row = { ...engineRecords.encode(record), engine }
      await to.run("engine record: put", Object.values(row), (db) =>
        db
          .insertInto("engine_record")
          .values(row)
          .onConflict((conflict) =>
            conflict.columns(["engine", "kind", "id"]).doUpdateSet((eb) => ({
              parent: eb.ref("excluded.parent"),
              body: eb.ref("excluded.body"),
            })),
          ),
      )
    },

    async remove(kind, id) {
      await to.run("engine record: remove", [engine, kind, id], (db) =>
        db
          .deleteFrom("engine_record")
          .where("engine", "=", engine)
          .where("kind", "=", kind)
          .where("id", "=", id),
      )
    },
  }
}
