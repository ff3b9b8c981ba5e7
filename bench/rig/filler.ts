/** Snapshots that are only on record, written straight into the ledger's file while it is closed. */
import { join } from "node:path"
import Sqlite from "better-sqlite3"
import type { AccountId, Id } from "../../src/domain/ids.ts"
import { points, snapshots } from "../../src/ledger/tables.ts"

/** So many share a source. */
const perSource = 100

/** `count` of them, all older than any made by the service; returns the id of the last. */
export function fillLedger(
  dataDir: string,
  { count, accountId, engine }: { count: number; accountId: AccountId; engine: string },
): string {
  const database = new Sqlite(join(dataDir, "ledger.db"))
  try {
    const add = inserter(database)
    database.transaction(() => {
      for (let nth = 1; nth <= count; nth++) {
        const [id, volumeId] = [idOf<"snapshot">(nth), idOf<"volume">(Math.ceil(nth / perSource))]
        add(
          "snapshot",
          snapshots.encode({ ...plain, id, accountId, name: `s${nth}`, sourceId: volumeId }),
        )
        const point = { id: idOf<"point">(nth), accountId, snapshotId: id, volumeId, engine }
        add("point", points.encode({ ...point, sizeBytes: 2 ** 30, role: "volume" }))
      }
    })()
    return idOf(count)
  } finally {
    database.close()
  }
}

/** Well before every time-ordered id of ours. */
const idOf = <K extends string>(nth: number) =>
  `00000000-0000-7000-8000-${nth.toString(16).padStart(12, "0")}` as Id<K>

const plain = {
  state: "ready",
  sourceKind: "volume",
  parentId: null,
  consistency: { label: "crash", pauseMs: 0, freezeMs: 0, skewMs: 0, note: null },
  machine: null,
  recovery: false,
  expiresAt: null,
  reason: null,
  createdAt: 1_700_000_000_000,
  readyAt: 1_700_000_000_000,
} as const

function inserter(database: Sqlite.Database) {
  const prepared = new Map<string, Sqlite.Statement>()
  return (table: string, row: Record<string, unknown>) => {
    const columns = Object.keys(row)
    const marks = columns.map(() => "?")
    const text = `insert into ${table} (${columns}) values (${marks})`
    const statement = prepared.get(table) ?? database.prepare(text)
    prepared.set(table, statement)
    statement.run(Object.values(row))
  }
}

/** The least a page can be: its rows and those of its points, read and thrown away. */
export function barePage(
  dataDir: string,
  { accountId, after, limit }: { accountId: string; after: string; limit: number },
  atEnd: (end: () => unknown) => void,
): () => unknown[] {
  const database = new Sqlite(join(dataDir, "ledger.db"), { readonly: true })
  atEnd(() => database.close())
  const page = "select * from snapshot where account_id = ? and id > ? order by id limit ?"
  const rows = database.prepare(page)
  const ofThem = database.prepare(
    `select point.* from (${page}) as page join point on point.snapshot_id = page.id`,
  )
  return () => {
    ofThem.all(accountId, after, limit)
    return rows.all(accountId, after, limit)
  }
}

/** The same for points, newest first, each with its snapshot. */
export function barePointPage(
  dataDir: string,
  { accountId, limit }: { accountId: string; limit: number },
  atEnd: (end: () => unknown) => void,
): (offset: number) => unknown[] {
  const database = new Sqlite(join(dataDir, "ledger.db"), { readonly: true })
  atEnd(() => database.close())
  const rows = database.prepare(
    `select point.*, snapshot.* from point join snapshot on snapshot.id = point.snapshot_id
    where point.account_id = ? order by point.id desc limit ? offset ?`,
  )
  return (offset) => rows.raw().all(accountId, limit, offset)
}
