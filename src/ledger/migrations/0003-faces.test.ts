/** What was written before is found as if it had been written since. */
import Sqlite from "better-sqlite3"
import { Kysely, SqliteDialect } from "kysely"
import { expect, test } from "vitest"
import { up as first } from "./0001-first.ts"
import { up as keeping } from "./0002-keeping.ts"
import { up as faces } from "./0003-faces.ts"

test("points get the account of their snapshot, operations are about their target", async () => {
  const database = new Sqlite(":memory:")
  const db = new Kysely<Record<string, Record<string, unknown>>>({
    dialect: new SqliteDialect({ database }),
  })
  await first(db)
  await keeping(db)
  const texts = { name: "n", state: "ready", source_kind: "volume", source_id: "v" }
  const numbers = { recovery: 0, created_at: 1 }
  for (const id of ["s1", "s2"]) {
    const row = { id, account_id: `a of ${id}`, ...texts, ...numbers }
    await db.insertInto("snapshot").values(row).execute()
  }
  for (const [id, snapshot_id] of Object.entries({ p1: "s1", p2: "s2", p3: "s2", stray: "gone" })) {
    const row = { id, snapshot_id, volume_id: "v", engine: "e", role: "volume", size_bytes: 1 }
    await db.insertInto("point").values(row).execute()
  }
  const order = { kind: "k", account_id: "a", node: "n", state: "done", version: 1, message: "" }
  const times = { fence: 0, lease_until: 0, created_at: 1, progress: 100 }
  const target = { target_kind: "snapshot", target_id: "s1" }
  await db
    .insertInto("operation")
    .values({ id: "o", ...order, ...times, ...target })
    .execute()

  await faces(db)

  const points = await db.selectFrom("point").select(["id", "account_id"]).orderBy("id").execute()
  expect(points.map((point) => [point["id"], point["account_id"]])).toEqual([
    ["p1", "a of s1"],
    ["p2", "a of s2"],
    ["p3", "a of s2"],
    ["stray", ""],
  ])
  const operation = await db.selectFrom("operation").selectAll().executeTakeFirstOrThrow()
  expect(operation).toMatchObject({ subject_id: "s1", dismissed: 0 })
  const snapshot = await db.selectFrom("snapshot").selectAll().executeTakeFirstOrThrow()
  expect(snapshot).toMatchObject({ description: "", metadata: "{}", tags: "{}" })
  await db.destroy()
})
