/** Points, and lists of them in which each comes with its snapshot: one row for every point. */
import { sql } from "kysely"
import type { SqlValue } from "./codec.ts"
import type { PointRoom, PointsWhere } from "./ledger.ts"
import { allOf, conditionsOf, shapeOf, valuesOf } from "./matching.ts"
import { limitOf, room } from "./room.ts"
import type { Connection } from "./store.ts"
import type { AnyDb } from "./tables.ts"
import { points, snapshots, volumes } from "./tables.ts"

/** What the snapshot's columns begin with in a row that has both. */
const prefix = "of_snapshot_"
const snapshotOf = snapshots.decoder(prefix)

/** Most snapshots are in one of the states asked for: they must not be looked for by an index. */
const anyState = sql<string>`coalesce(snapshot.state, '')`

const columns = snapshots.columns.map((name) => `snapshot.${name} as ${prefix}${name}`)

export function pointRoom(to: Connection): PointRoom {
  return {
    ...room(to, points),

    async page(where, page) {
      const asked = ask(where)
      const { after } = page
      const newestFirst = page.order === "newest-first"
      const shape = `points: page ${asked.shape} ${newestFirst} ${after !== undefined}`
      const [limit, offset] = [limitOf(page), page.offset ?? 0]
      const start = after === undefined ? [] : [after]
      const rows = await to.all<Row>(shape, [...asked.values, ...start, limit, offset], (db) => {
        let query = asked.word(db).selectAll("point").select(columns)
        if (after !== undefined) query = query.where("point.id", newestFirst ? "<" : ">", after)
        return query
          .orderBy("point.id", newestFirst ? "desc" : "asc")
          .limit(limit)
          .offset(offset)
      })
      return rows.map((row) => ({
        point: points.decode(row),
        snapshot: snapshotOf(row),
      }))
    },

    async countIn({ volume, ...where }) {
      const asked = ask(where)
      const ofVolume = conditionsOf(volumes, volume ?? {})
      const shape = `points: count ${asked.shape} in ${volume && shapeOf(ofVolume)}`
      const values = [...asked.values, ...valuesOf(ofVolume)]
      const [counted] = await to.all<{ n: number }>(shape, values, (db) => {
        const all = asked.word(db)
        const those =
          volume === undefined
            ? all
            : all
                .innerJoin("volume", "volume.id", "point.volume_id")
                .where((eb) => allOf(eb, ofVolume, (name) => `volume.${name}`))
        return those.select((eb) => eb.fn.countAll<number>().as("n"))
      })
      return counted?.n ?? 0
    },
  }
}

type Row = Record<string, SqlValue>

function ask({ point = {}, snapshot = {} }: PointsWhere) {
  const [ofPoint, ofSnapshot] = [conditionsOf(points, point), conditionsOf(snapshots, snapshot)]
  return {
    shape: `${shapeOf(ofPoint)} of ${shapeOf(ofSnapshot)}`,
    values: [...valuesOf(ofPoint), ...valuesOf(ofSnapshot)],
    word: (db: AnyDb) =>
      db
        .selectFrom("point")
        .innerJoin("snapshot", "snapshot.id", "point.snapshot_id")
        .where((eb) => allOf(eb, ofPoint, (name) => `point.${name}`))
        .where((eb) =>
          allOf(eb, ofSnapshot, (name) => (name === "state" ? anyState : `snapshot.${name}`)),
        ),
  }
}
