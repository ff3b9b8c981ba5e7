/** The ledger's contract, kept with SQL that every database speaks, over any `Store`. */

import { type Claim, withoutClaim } from "../domain/claim.ts"
import type { Event } from "../domain/operation.ts"
import { engineRecordsOf } from "./engine-record.ts"
import { examine } from "./examine.ts"
import type { Ledger, Room, Rooms } from "./ledger.ts"
import {
  checkFence,
  claim,
  claimThese,
  expireLeases,
  operationRoom,
  renew,
} from "./operation-room.ts"
import { pointRoom } from "./point-room.ts"
import { Remembered, watched } from "./remembered.ts"
import { room } from "./room.ts"
import { eventRoom, repeatRoom, standingRoom, tokenRoom } from "./small-rooms.ts"
import type { Connection, Store } from "./store.ts"
import * as tables from "./tables.ts"

export function sqlLedger(store: Store): Ledger {
  const listeners = new Set<(events: readonly Event[]) => void>()
  const remembered = new Remembered()

  async function transaction<T>(work: (rooms: Rooms, to: Connection) => Promise<T>): Promise<T> {
    let added: Event[] = []
    let isOther = false
    const writing = store.write((to) => {
      added = []
      const rooms = roomsOf(to, (event) => added.push(event))
      return work({ ...rooms, ...watched(rooms, () => (isOther = true)) }, to)
    })
    const result = await writing.finally(() => isOther && remembered.forgetAll())
    // Later, so that a listener's mistake is not taken for one of the transaction's.
    if (added.length > 0) {
      for (const listener of listeners) queueMicrotask(() => listener(added))
    }
    return result
  }

  const reading = roomsOf(store.reader, () => {})

  return {
    read: { ...reading, ...remembered.known(reading) },

    transaction: (work) => transaction(work),

    fenced: (id, fence, work) =>
      transaction(async (rooms, to) => {
        await checkFence(to, id, fence)
        return work(rooms)
      }),

    // A claim that a power cut takes back was never made: what was done under it is found and
    // gone on with, and nobody outside was told of anything before a commit that came later.
    claim: (node, nowMs, leaseMs, except = []) =>
      store.write((to) => claim(to, { node, nowMs, leaseUntil: nowMs + leaseMs }, except), "later"),
    claimThese: (ids, node, nowMs, leaseMs) =>
      store.write(
        (to) => claimThese(to, { node, nowMs, leaseUntil: nowMs + leaseMs }, ids),
        "later",
      ),
    renew: (id, fence, leaseUntil) =>
      store.write((to) => renew(to, id, fence, leaseUntil), "later"),
    expireLeases: (node) => store.write((to) => expireLeases(to, node)),

    engineMemory: (engine, held) => ({
      transaction: (work, durable) =>
        store.write(async (to) => {
          if (held !== undefined) await checkFence(to, held.id, held.fence)
          return work(engineRecordsOf(to, engine))
        }, durable),
      get: (kind, id) => engineRecordsOf(store.reader, engine).get(kind, id),
    }),

    onEvents(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },

    ...settings(store),
    backup: (file) => store.backup(file),
    examine: () => examine(store),
    close: () => store.close(),
  }
}

const settings = (store: Store): Pick<Ledger, "setting" | "set"> => ({
  async setting(key) {
    const [found] = await store.reader.all<{ value: string }>("setting: get", [key], (db) =>
      db.selectFrom("setting").select("value").where("key", "=", key),
    )
    return found?.value
  },

  set: (key, value) =>
    store.write(async (to) => {
      await to.run("setting: set", [key, value], (db) =>
        db
          .insertInto("setting")
          .values({ key, value })
          .onConflict((conflict) =>
            conflict.column("key").doUpdateSet((eb) => ({ value: eb.ref("excluded.value") })),
          ),
      )
    }),
})

const roomsOf = (to: Connection, eventAdded: (event: Event) => void): Rooms => ({
  accounts: room(to, tables.accounts),
  users: room(to, tables.users),
  tokens: tokenRoom(to),
  keys: room(to, tables.keys),
  appCredentials: room(to, tables.appCredentials),
  images: room(to, tables.images),
  volumes: claimable(room(to, tables.volumes)),
  machines: room(to, tables.machines),
  snapshots: claimable(room(to, tables.snapshots)),
  points: pointRoom(to),
  operations: operationRoom(to),
  events: eventRoom(to, eventAdded),
  repeats: repeatRoom(to),
  standing: standingRoom(to),
})

/** Whoever changes the state of one need not know of what was put over it. */
const claimable = <T extends { id: string; state: string; claim: Claim | null }>(
  rows: Room<T>,
): Room<T> => ({
  ...rows,
  change: (id, patch) => rows.change(id, withoutClaim(patch)),
})
