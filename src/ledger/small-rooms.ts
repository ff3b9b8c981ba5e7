/** The rooms with verbs of their own: events, repeated requests, tokens, where a source stands. */
import type { SnapshotId } from "../domain/ids.ts"
import type { EventRoom, RepeatRoom, StandingRoom, TokenRoom } from "./ledger.ts"
import { next } from "./operation-room.ts"
import { room } from "./room.ts"
import type { Db } from "./tables.ts"
import { events, repeats, tokens } from "./tables.ts"

/** `added` is called for every event added. */
export function eventRoom(db: Db, added: () => void): EventRoom {
  const newest = async () => {
    const counter = db.selectFrom("counter").select("value").where("name", "=", "event")
    return (await counter.executeTakeFirstOrThrow()).value
  }
  return {
    newest,

    async add(event) {
      const id = await next(db, "event")
      await db
        .insertInto("event")
        .values(events.encode({ ...event, id }) as never)
        .execute()
      added()
    },

    async after(id, accountId, limit) {
      let query = db.selectFrom("event").selectAll().where("id", ">", id)
      if (accountId !== null) query = query.where("account_id", "=", accountId)
      const found = await query.orderBy("id").limit(limit).execute()
      return found.map(events.decode)
    },

    async trim(keep) {
      await db
        .deleteFrom("event")
        .where("id", "<=", (await newest()) - keep)
        .execute()
    },
  }
}

export function repeatRoom(db: Db): RepeatRoom {
  return {
    async get(userId, key) {
      const found = await db
        .selectFrom("repeat")
        .selectAll()
        .where("user_id", "=", userId)
        .where("key", "=", key)
        .executeTakeFirst()
      return found && repeats.decode(found)
    },

    async add(userId, key, repeat) {
      const row = { ...repeats.encode(repeat), user_id: userId, key }
      await db
        .insertInto("repeat")
        .values(row as never)
        .execute()
    },

    async forgetBefore(epochMs) {
      await db.deleteFrom("repeat").where("created_at", "<", epochMs).execute()
    },
  }
}

export function tokenRoom(db: Db): TokenRoom {
  return {
    ...room(db, tokens),
    async forgetExpired(beforeMs) {
      await db.deleteFrom("token").where("expires_at", "<", beforeMs).execute()
    },
  }
}

export function standingRoom(db: Db): StandingRoom {
  return {
    async get(sourceId) {
      const found = await db
        .selectFrom("standing")
        .select("snapshot_id")
        .where("source_id", "=", sourceId)
        .executeTakeFirst()
      return found === undefined ? null : (found.snapshot_id as SnapshotId)
    },

    async set(sourceId, snapshot) {
      if (snapshot === null) {
        await db.deleteFrom("standing").where("source_id", "=", sourceId).execute()
        return
      }
      await db
        .insertInto("standing")
        .values({ source_id: sourceId, snapshot_id: snapshot })
        .onConflict((conflict) =>
          conflict.column("source_id").doUpdateSet({ snapshot_id: snapshot }),
        )
        .execute()
    },

    async move(from, to) {
      if (to === null) {
        await db.deleteFrom("standing").where("snapshot_id", "=", from).execute()
        return
      }
      await db
        .updateTable("standing")
        .set({ snapshot_id: to })
        .where("snapshot_id", "=", from)
        .execute()
    },
  }
}
