/** The rooms with verbs of their own: events, repeated requests, tokens, where a source stands. */
import { sql } from "kysely"
import type { SnapshotId } from "../domain/ids.ts"
import type { Event } from "../domain/operation.ts"
import type { SqlValue } from "./codec.ts"
import type { EventRoom, RepeatRoom, StandingRoom, TokenRoom } from "./ledger.ts"
import { padded } from "./matching.ts"
import { namesIn, room } from "./room.ts"
import type { Connection } from "./store.ts"
import { events, repeats, tokens } from "./tables.ts"

type Row = Record<string, SqlValue>

/**
 * A number one higher than the last, in the same transaction as what it numbers: taken back with
 * it, so there are no gaps, and given out in the order of commits.
 */
export async function next(to: Connection, counter: "event" | "queue"): Promise<number> {
  const [found] = await to.all<{ value: number }>("counter: next", [counter], (db) =>
    db
      .updateTable("counter")
      .set({ value: sql<number>`value + 1` })
      .where("name", "=", counter)
      .returning("value"),
  )
  if (found === undefined) throw new Error(`there is no counter ${counter}`)
  return found.value
}

/** `added` is called for every event added. */
export function eventRoom(to: Connection, added: (event: Event) => void): EventRoom {
  const newest = async () => {
    const [counter] = await to.all<{ value: number }>("event: newest", ["event"], (db) =>
      db.selectFrom("counter").select("value").where("name", "=", "event"),
    )
    if (counter === undefined) throw new Error("there is no counter event")
    return counter.value
  }
  return {
    newest,

    async add(event) {
      const numbered = { ...event, id: await next(to, "event") }
      const row = events.encode(numbered)
      await to.run("event: add", Object.values(row), (db) => db.insertInto("event").values(row))
      added(numbered)
    },

    async after(id, accountId, limit) {
      const of = accountId === null ? [] : [accountId]
      const found = await to.all<Row>(`event: after ${of.length}`, [id, ...of, limit], (db) => {
        const query = db.selectFrom("event").selectAll().where("id", ">", id)
        const own = accountId === null ? query : query.where("account_id", "=", accountId)
        return own.orderBy("id").limit(limit)
      })
      return found.map(events.decode)
    },

    async trim(keep) {
      const last = (await newest()) - keep
      await to.run("event: trim", [last], (db) => db.deleteFrom("event").where("id", "<=", last))
    },
  }
}

export function repeatRoom(to: Connection): RepeatRoom {
  return {
    async get(userId, key) {
      const [found] = await to.all<Row>("repeat: get", [userId, key], (db) =>
        db.selectFrom("repeat").selectAll().where("user_id", "=", userId).where("key", "=", key),
      )
      return found && repeats.decode(found)
    },

    async add(userId, key, repeat) {
      const row = { ...repeats.encode(repeat), user_id: userId, key }
      await to.run(`repeat: add ${namesIn(row)}`, Object.values(row), (db) =>
        db.insertInto("repeat").values(row),
      )
    },

    async forgetBefore(epochMs) {
      await to.run("repeat: forget", [epochMs], (db) =>
        db.deleteFrom("repeat").where("created_at", "<", epochMs),
      )
    },
  }
}

export function tokenRoom(to: Connection): TokenRoom {
  const rows = room(to, tokens)
  return {
    ...rows,
    byHash: async (hash) => (await rows.find({ hash }, { limit: 1 }))[0],
    async forgetExpired(beforeMs) {
      await to.run("token: forget", [beforeMs], (db) =>
        db.deleteFrom("token").where("expires_at", "<", beforeMs),
      )
    },
  }
}

export function standingRoom(to: Connection): StandingRoom {
  const remove = (column: "source_id" | "snapshot_id", id: string) =>
    to.run(`standing: remove ${column}`, [id], (db) =>
      db.deleteFrom("standing").where(column, "=", id),
    )
  return {
    async get(sourceId) {
      const [found] = await to.all<{ snapshot_id: SnapshotId }>("standing: get", [sourceId], (db) =>
        db.selectFrom("standing").select("snapshot_id").where("source_id", "=", sourceId),
      )
      return found?.snapshot_id ?? null
    },

    async among(sourceIds) {
      const wanted = padded([...sourceIds])
      if (wanted.length === 0) return new Map()
      const found = await to.all<{ source_id: string; snapshot_id: SnapshotId }>(
        `standing: among ${wanted.length}`,
        wanted,
        (db) => db.selectFrom("standing").selectAll().where("source_id", "in", wanted),
      )
      return new Map(found.map((row) => [row.source_id, row.snapshot_id]))
    },

    async set(sourceId, snapshot) {
      if (snapshot === null) {
        await remove("source_id", sourceId)
        return
      }
      await to.run("standing: set", [sourceId, snapshot], (db) =>
        db
          .insertInto("standing")
          .values({ source_id: sourceId, snapshot_id: snapshot })
          .onConflict((conflict) =>
            conflict
              .column("source_id")
              .doUpdateSet((eb) => ({ snapshot_id: eb.ref("excluded.snapshot_id") })),
          ),
      )
    },

    async move(from, onto) {
      if (onto === null) {
        await remove("snapshot_id", from)
        return
      }
      await to.run("standing: move", [onto, from], (db) =>
        db.updateTable("standing").set({ snapshot_id: onto }).where("snapshot_id", "=", from),
      )
    },
  }
}
