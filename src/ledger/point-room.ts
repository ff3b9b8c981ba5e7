/** Points, and lists of them in which each comes with its snapshot: one row for every point. */
import { sql } from "kysely"
import type { SqlValue } from "./codec.ts"
import type { PointRoom, PointsWhere } from "./ledger.ts"
import { limitOf, matching, room } from "./room.ts"
import type { Db } from "./tables.ts"
import { anyTable, points, snapshots, volumes } from "./tables.ts"

/** What the snapshot's columns are called in a row that has both. */
const snapshotColumns = snapshots.columns.map((name) => ({ name, as: `of_snapshot_${name}` }))

/** Most snapshots are in one of the states asked for: they must not be looked for by an index. */
const anyState = sql<string>`coalesce(snapshot.state, '')`

export function pointRoom(tables: Db): PointRoom {
  const db = anyTable(tables)
  const both = ({ point = {}, snapshot = {} }: PointsWhere) =>
    db
      .selectFrom("point")
      .innerJoin("snapshot", "snapshot.id", "point.snapshot_id")
      .where((eb) => matching(eb, points, point, (name) => `point.${name}`))
      .where((eb) =>
        matching(eb, snapshots, snapshot, (name) =>
          name === "state" ? anyState : `snapshot.${name}`,
        ),
      )
  const columns = snapshotColumns.map(({ name, as }) => `snapshot.${name} as ${as}`)
  return {
    ...room(tables, points),

    async page(where, page) {
      const newestFirst = page.order === "newest-first"
      let query = both(where).selectAll("point").select(columns)
      if (page.after !== undefined) {
        query = query.where("point.id", newestFirst ? "<" : ">", page.after)
      }
      const rows = await query
        .orderBy("point.id", newestFirst ? "desc" : "asc")
        .limit(limitOf(page))
        .offset(page.offset ?? 0)
        .execute()
      return rows.map((row) => ({
        point: points.decode(row),
        snapshot: snapshots.decode(ofTheSnapshot(row)),
      }))
    },

    async countIn({ volume, ...where }) {
      const all = both(where)
      const counted =
        volume === undefined
          ? all
          : all
              .innerJoin("volume", "volume.id", "point.volume_id")
              .where((eb) => matching(eb, volumes, volume, (name) => `volume.${name}`))
      const { n } = await counted
        .select((eb) => eb.fn.countAll<number>().as("n"))
        .executeTakeFirstOrThrow()
      return n
    },
  }
}

function ofTheSnapshot(row: Record<string, SqlValue>): Record<string, SqlValue> {
  const own: Record<string, SqlValue> = {}
  for (const { name, as } of snapshotColumns) {
    const value = row[as]
    if (value !== undefined) own[name] = value
  }
  return own
}
