/** What is SQLite's own: its file, its migrations, and the indexes its planner really takes. */
import { mkdtemp, readdir, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import { sql } from "kysely"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { newId } from "../domain/ids.ts"
import { walkHotPaths } from "./hot-paths.suite.ts"
import type { LedgerPlace } from "./ledger.suite.ts"
import { openSqliteLedger, openSqliteStore } from "./sqlite.ts"
import type { LastingPlace } from "./survival.suite.ts"

export async function sqliteFile(): Promise<LastingPlace> {
  const directory = await mkdtemp(join(tmpdir(), "tintype-suite-"))
  const file = join(directory, "ledger.db")
  return {
    open: () => openSqliteLedger(file),
    elsewhere: {
      module: new URL("./sqlite.ts", import.meta.url).href,
      open: "openSqliteLedger",
      argument: file,
    },
    restore: (copy) => openSqliteLedger(copy),
    remove: () => rm(directory, { recursive: true }),
  }
}

export const sqliteInMemory = async (): Promise<LedgerPlace> => ({
  open: () => openSqliteLedger(":memory:"),
  restore: (copy) => openSqliteLedger(copy),
  remove: async () => {},
})

export function sqliteSuite(): void {
  describe("SQLite", () => {
    let directory: string
    let file: string
    beforeEach(async () => {
      directory = await mkdtemp(join(tmpdir(), "tintype-sqlite-"))
      file = join(directory, "ledger.db")
    })
    afterEach(() => rm(directory, { recursive: true }))

    test("answers every hot list from an index: no scan, no sort", async () => {
      const texts = new Set<string>()
      const ledger = await openSqliteLedger(file, { onPrepare: (text) => texts.add(text) })
      await walkHotPaths(ledger)
      await ledger.close()
      const database = new Sqlite(file)
      const slow = [...texts].flatMap((text) =>
        plan(database, text)
          // Values that stand in the query itself are few.
          .filter((line) => !/^SCAN (wanted|\d+ CONSTANT ROWS?)$/.test(line))
          .filter((line) => /^SCAN|TEMP B-TREE/.test(line))
          .map((line) => `${line}: ${text}`),
      )
      database.close()
      expect(slow).toEqual([])
      expect(texts.size).toBeGreaterThan(40)
    })

    test("reads a page by account or source, not by way of all in one state", async () => {
      const texts: string[] = []
      const ledger = await openSqliteLedger(file, { onPrepare: (text) => texts.push(text) })
      const [accountId, sourceId] = [newId<"account">(), newId()]
      texts.length = 0
      await ledger.read.snapshots.find({ accountId, state: "ready" }, { limit: 1, after: "x" })
      await ledger.read.snapshots.find({ sourceId, accountId, state: "ready" })
      await ledger.read.snapshots.find({ recovery: true, state: "ready" }, { limit: 1000 })
      await ledger.read.operations.find({ accountId, state: ["done"] }, { limit: 1, after: "x" })
      await ledger.read.operations.find({ targetId: newId(), state: "done" })
      await ledger.read.operations.sum("reservedBytes", { node: "x", accountId })
      await ledger.read.snapshots.sum("memoryBytes", { accountId })
      await ledger.close()
      const database = new Sqlite(file)
      const indexes = texts.map((text) => / INDEX (\w+)/.exec(plan(database, text).join())?.[1])
      database.close()
      expect(indexes).toEqual([
        "snapshot_by_account",
        "snapshot_by_source",
        "snapshot_recovery",
        "operation_by_account",
        "operation_by_target",
        "operation_reserved",
        "snapshot_memory",
      ])
    })

    test("reads a page of points by account or volume, and those of one name by that", async () => {
      const texts: string[] = []
      const ledger = await openSqliteLedger(file, { onPrepare: (text) => texts.push(text) })
      const [accountId, volumeId] = [newId<"account">(), newId<"volume">()]
      const snapshot = { state: ["creating", "ready", "failed"], recovery: false } as const
      const page = { limit: 1000, after: "x", order: "newest-first" } as const
      texts.length = 0
      await ledger.read.points.page({ point: { accountId }, snapshot }, page)
      await ledger.read.points.page({ point: { accountId, volumeId }, snapshot }, page)
      const named = { ...snapshot, accountId, name: "x" }
      await ledger.read.points.page({ point: { accountId }, snapshot: named }, page)
      await ledger.close()
      const database = new Sqlite(file)
      const indexes = texts.map((text) =>
        plan(database, text).flatMap((line) => / INDEX (\w+)/.exec(line)?.[1] ?? []),
      )
      database.close()
      expect(indexes).toEqual([
        ["point_by_account", "sqlite_autoindex_snapshot_1"],
        ["point_by_volume", "sqlite_autoindex_snapshot_1"],
        ["snapshot_by_name", "point_by_snapshot"],
      ])
    })

    test("prepares few statements for lists of any length", async () => {
      const texts = new Set<string>()
      const ledger = await openSqliteLedger(":memory:", { onPrepare: (text) => texts.add(text) })
      texts.clear()
      for (let length = 0; length <= 100; length++) {
        const id = Array.from({ length }, () => newId<"snapshot">())
        expect(await ledger.read.snapshots.find({ id })).toEqual([])
      }
      await ledger.close()
      expect(texts.size).toBeLessThanOrEqual(9)
    })

    test("opens an empty file", async () => {
      await writeFile(file, "")
      const ledger = await openSqliteLedger(file)
      expect(await ledger.examine()).toEqual([])
      await ledger.close()
    })

    test("keeps its files private, and leaves one that it opens again", async () => {
      const first = await openSqliteLedger(file)
      await first.set("a", "b")
      for (const name of await readdir(directory)) {
        expect((await stat(join(directory, name))).mode & 0o777, name).toBe(0o600)
      }
      await first.close()
      const second = await openSqliteLedger(file)
      expect(await second.setting("a")).toBe("b")
      await second.close()
      expect(await readdir(directory)).toEqual(["ledger.db"])
    })

    test("leaves a database of a newer version alone", async () => {
      await (await openSqliteLedger(file)).close()
      const newer = new Sqlite(file)
      newer.exec("insert into migration (name, timestamp) values ('9999-later', '2040')")
      newer.close()
      const opening = openSqliteLedger(file)
      await expect(opening).rejects.toThrow(/newer version \(9999-later\)/)
      await expect(opening).rejects.toMatchObject({ fault: { kind: "unavailable" } })
    })

    test("makes all tables of a migration or none", async () => {
      const obstacle = new Sqlite(file)
      obstacle.exec("create table setting (other text)")
      obstacle.close()
      await expect(openSqliteLedger(file)).rejects.toThrow(/tables/)
      const mended = new Sqlite(file)
      mended.exec("drop table setting")
      mended.close()
      const ledger = await openSqliteLedger(file)
      expect(await ledger.examine()).toEqual([])
      await ledger.close()
    })

    test("says so when the file is something else, or broken", async () => {
      await writeFile(file, "not a database, by far".repeat(100))
      await expect(openSqliteLedger(file)).rejects.toMatchObject({ fault: { kind: "unavailable" } })
    })

    test("flushes every commit, and minds what belongs to what", async () => {
      const store = await openSqliteStore(file, {})
      const setting = (name: string) =>
        store.write(async ({ db }) => Object.values((await pragma(name).execute(db)).rows[0] ?? {}))
      expect(await setting("journal_mode")).toEqual(["wal"])
      expect(await setting("synchronous")).toEqual([2])
      expect(await setting("foreign_keys")).toEqual([1])
      await store.close()
    })

    test("without a name is a database for one, and leaves nothing behind", async () => {
      vi.stubEnv("TMPDIR", directory)
      const [one, other] = [await openSqliteLedger(":memory:"), await openSqliteLedger(":memory:")]
      vi.unstubAllEnvs()
      await one.set("a", "b")
      expect(await other.setting("a")).toBeUndefined()
      expect(await readdir(directory)).toEqual([])
      await one.close()
      await other.close()
    })
  })
}

const pragma = (name: string) => sql<Record<string, unknown>>`${sql.raw(`pragma ${name}`)}`

function plan(database: Sqlite.Database, text: string): string[] {
  const unbound = Array.from(text.matchAll(/\?/g), () => 1)
  const lines = database.prepare(`explain query plan ${text}`).all(unbound) as { detail: string }[]
  return lines.map((line) => line.detail)
}
