/**
 * Transactions in a row, several to one durable commit. Those asked for in the same turn of the
 * event loop run one after the other, each inside a savepoint of its own, and are made durable
 * together: a slow disk then costs one flush for all of them. None resolves before that flush,
 * and one that throws takes back its own changes only.
 *
 * Where none of a group need be durable at once, its commit waits for no flush. It is in the log
 * before every later one, and a log is read only as far as it is whole (sqlite.org/wal.html): the
 * next flush makes it durable, too, and nothing that came after it can be there without it.
 */
import { AsyncLocalStorage } from "node:async_hooks"
import { statfsSync } from "node:fs"
import { dirname } from "node:path"
import { setImmediate as nextTurn } from "node:timers/promises"
import Sqlite, { type Database } from "better-sqlite3"
import { Refusal } from "../domain/fault.ts"
import type { Durable } from "./store.ts"

export interface GroupCommit {
  run<T>(work: () => Promise<T>, durable?: Durable): Promise<T>
  /** Refuses further work; resolves when what was accepted is done. */
  close(): Promise<void>
}

type Member = {
  work(): Promise<unknown>
  durable: Durable
  resolve(value: unknown): void
  reject(cause: unknown): void
}

/** So many transactions at most share a flush: the first ones should not wait for ever. */
const largestGroup = 64

export function groupCommit(database: Database): GroupCommit {
  const say = statements(database)
  const flushing = flushesOf(database)
  const inside = new AsyncLocalStorage<{ open: boolean }>()
  const waiting: Member[] = []
  let draining: Promise<void> | undefined
  let closed = false

  async function drain(): Promise<void> {
    while (waiting.length > 0) {
      await nextTurn()
      await commit(waiting.splice(0, largestGroup))
    }
    draining = undefined
  }

  async function commit(group: readonly Member[]): Promise<void> {
    const isUrgent = group.some(({ durable }) => durable === "now")
    try {
      flushing.choose(isUrgent)
      say.begin.run()
      const settled: (() => void)[] = []
      const [only, ...others] = group
      // One alone needs no savepoint: when it throws, there is nobody else's work to keep.
      if (only !== undefined && others.length === 0) settled.push(await alone(only))
      else for (const member of group) settled.push(await carryOut(member))
      if (database.inTransaction) say.commit.run()
      for (const settle of settled) settle()
    } catch (cause) {
      if (database.inTransaction) say.rollback.run()
      for (const member of group) member.reject(inWords(cause, database.name))
    }
  }

  async function alone(member: Member): Promise<() => void> {
    try {
      const value = await within(member)
      // Whatever it made of SQLite's word that all of it was taken back (on a full disk), it was.
      if (!database.inTransaction) throw new Error("a transaction was taken back under its work")
      return () => member.resolve(value)
    } catch (cause) {
      if (database.inTransaction) say.rollback.run()
      return () => member.reject(inWords(cause, database.name))
    }
  }

  async function carryOut(member: Member): Promise<() => void> {
    say.savepoint.run()
    try {
      const value = await within(member)
      say.release.run()
      return () => member.resolve(value)
    } catch (cause) {
      // On a full disk SQLite takes back the whole transaction, and all the group with it.
      if (!database.inTransaction) throw cause
      say.undo.run()
      say.release.run()
      return () => member.reject(inWords(cause, database.name))
    }
  }

  async function within(member: Member): Promise<unknown> {
    const scope = { open: true }
    try {
      return await inside.run(scope, member.work)
    } finally {
      scope.open = false
    }
  }

  return {
    run<T>(work: () => Promise<T>, durable: Durable = "now"): Promise<T> {
      if (closed) return Promise.reject(new Error("the ledger is closed"))
      if (inside.getStore()?.open) {
        return Promise.reject(new Error("a transaction inside a transaction waits for itself"))
      }
      return new Promise<T>((resolve, reject) => {
        waiting.push({ work, durable, resolve: (value) => resolve(value as T), reject })
        draining ??= drain()
      })
    },
    async close() {
      closed = true
      await draining
    },
  }
}

/** A full disk is something a person can act on; what else SQLite throws is a bug of ours. */
function inWords(cause: unknown, file: string): unknown {
  if (!(cause instanceof Sqlite.SqliteError) || cause.code !== "SQLITE_FULL") return cause
  const { bavail, bsize } = statfsSync(dirname(file))
  return new Refusal({ kind: "no-space", neededBytes: commitBytes, freeBytes: bavail * bsize })
}

/** What a commit may take in the write-ahead log, generously. */
const commitBytes = 2 ** 20

/** Whether commits flush; a connection that never does (in tests) is left as it is. */
function flushesOf(database: Database) {
  const [full, normal] = [2, 1]
  const usual = database.pragma("synchronous", { simple: true })
  let now = usual
  return {
    choose(isUrgent: boolean): void {
      const wanted = isUrgent || usual !== full ? usual : normal
      if (wanted === now) return
      database.pragma(`synchronous = ${wanted}`)
      now = wanted
    },
  }
}

const statements = (database: Database) => ({
  // `immediate`: a transaction that starts as a reader may be refused the lock when it writes.
  begin: database.prepare("begin immediate"),
  commit: database.prepare("commit"),
  rollback: database.prepare("rollback"),
  savepoint: database.prepare("savepoint member"),
  release: database.prepare("release member"),
  undo: database.prepare("rollback to member"),
})
