/** The ledger's contract, kept with SQL that every database speaks, over any `Store`. */
import { engineRecordsOf } from "./engine-record.ts"
import { examine } from "./examine.ts"
import type { Ledger, Rooms } from "./ledger.ts"
import { checkFence, claim, expireLeases, operationRoom, renew } from "./operation-room.ts"
import { pointRoom } from "./point-room.ts"
import { room } from "./room.ts"
import { eventRoom, repeatRoom, standingRoom, tokenRoom } from "./small-rooms.ts"
import type { Store } from "./store.ts"
import type { Db } from "./tables.ts"
import * as tables from "./tables.ts"

export function sqlLedger(store: Store): Ledger {
  const listeners = new Set<() => void>()

  async function transaction<T>(work: (rooms: Rooms, db: Db) => Promise<T>): Promise<T> {
    let eventsAdded = false
    const result = await store.write((db) => {
      eventsAdded = false
      const added = () => {
        eventsAdded = true
      }
      return work(roomsOf(db, added), db)
    })
    // Later, so that a listener's mistake is not taken for one of the transaction's.
    if (eventsAdded) for (const listener of listeners) queueMicrotask(listener)
    return result
  }

  return {
    read: roomsOf(store.reader, () => {}),

    transaction: (work) => transaction(work),

    fenced: (id, fence, work) =>
      transaction(async (rooms, db) => {
        await checkFence(db, id, fence)
        return work(rooms)
      }),

    claim: (node, nowMs, leaseMs, except = []) =>
      store.write((db) => claim(db, node, nowMs, { leaseUntil: nowMs + leaseMs, except })),
    renew: (id, fence, leaseUntil) => store.write((db) => renew(db, id, fence, leaseUntil)),
    expireLeases: (node) => store.write((db) => expireLeases(db, node)),

    engineMemory: (engine, held) => ({
      transaction: (work) =>
        store.write(async (db) => {
          if (held !== undefined) await checkFence(db, held.id, held.fence)
          return work(engineRecordsOf(db, engine))
        }),
    }),

    onEvents(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    async setting(key) {
      const settings = store.reader.selectFrom("setting").select("value")
      return (await settings.where("key", "=", key).executeTakeFirst())?.value
    },

    set: (key, value) =>
      store.write(async (db) => {
        await db
          .insertInto("setting")
          .values({ key, value })
          .onConflict((conflict) => conflict.column("key").doUpdateSet({ value }))
          .execute()
      }),

    backup: (file) => store.backup(file),
    examine: () => examine(store),
    close: () => store.close(),
  }
}

const roomsOf = (db: Db, eventAdded: () => void): Rooms => ({
  accounts: room(db, tables.accounts),
  users: room(db, tables.users),
  tokens: tokenRoom(db),
  keys: room(db, tables.keys),
  appCredentials: room(db, tables.appCredentials),
  images: room(db, tables.images),
  volumes: room(db, tables.volumes),
  machines: room(db, tables.machines),
  snapshots: room(db, tables.snapshots),
  points: pointRoom(db),
  operations: operationRoom(db),
  events: eventRoom(db, eventAdded),
  repeats: repeatRoom(db),
  standing: standingRoom(db),
})
