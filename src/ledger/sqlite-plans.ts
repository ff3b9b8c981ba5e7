/**
 * SQLite chooses between indexes by what it believes of the data, and without figures it takes
 * every index to be equally good: a page of one account's snapshots might be read by way of all
 * that are `ready`. `ANALYZE` would count what happens to be there today, so that plans change
 * overnight. We tell it instead how our data always is (sqlite.org/optoverview.html, "Manual
 * Control Of Query Plans Using SQLITE_STAT Tables").
 */
import type { Database } from "better-sqlite3"

const rowsInAll = 1_000_000
/** An index over the rare rows only has no more than these. */
const rowsInPartial: Record<string, number> = {
  snapshot_recovery: 1000,
  operation_not_ended: 1000,
  operation_reserved: 1000,
  snapshot_memory: 10_000,
}

/** How many rows share one value of the index's first column, of its first two, and so on. */
const rowsAlike: Record<string, Record<string, readonly number[]>> = {
  volume: {
    volume_by_account: [1000, 1],
    volume_by_name: [1000, 2, 1],
    volume_by_state: [200_000, 1],
    volume_by_machine: [3, 1],
    volume_by_origin: [3, 1],
  },
  machine: {
    machine_by_account: [1000, 1],
    machine_by_name: [1000, 2, 1],
    machine_by_state: [200_000, 1],
    machine_by_image: [10_000, 1],
  },
  snapshot: {
    snapshot_by_account: [1000, 1],
    snapshot_by_name: [1000, 2, 1],
    snapshot_by_state: [200_000, 1],
    snapshot_by_source: [100, 1],
    snapshot_by_parent: [2, 1],
    snapshot_recovery: [1000, 1],
    snapshot_memory: [100, 2],
  },
  point: {
    point_by_account: [1000, 1],
    point_by_snapshot: [2, 1],
    point_by_volume: [100, 1],
  },
  operation: {
    operation_by_account: [1000, 1],
    operation_by_state: [200_000, 1],
    operation_by_target: [100, 1],
    operation_not_ended: [500, 1],
    operation_reserved: [500, 10, 1],
    operation_ended: [2, 1],
  },
}

export function rememberDistribution(database: Database): void {
  // On an empty table this counts nothing; it only makes the table that holds the figures.
  database.exec("analyze setting")
  const put = database.prepare("insert into sqlite_stat1 (tbl, idx, stat) values (?, ?, ?)")
  database.transaction(() => {
    database.exec("delete from sqlite_stat1")
    for (const [table, indexes] of Object.entries(rowsAlike)) {
      put.run(table, `sqlite_autoindex_${table}_1`, `${rowsInAll} 1`)
      for (const [index, alike] of Object.entries(indexes)) {
        put.run(table, index, [rowsInPartial[index] ?? rowsInAll, ...alike].join(" "))
      }
    }
  })()
  database.exec("analyze sqlite_schema")
}
