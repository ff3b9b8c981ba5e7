/** Operations, their logs, and the queues in which they wait for what they hold. */
import { type RawBuilder, sql } from "kysely"
import type { OperationId } from "../domain/ids.ts"
import type { Operation } from "../domain/operation.ts"
import type { SqlValue } from "./codec.ts"
import type { Claim, OperationRoom } from "./ledger.ts"
import { ClaimLost } from "./ledger.ts"
import { padded } from "./matching.ts"
import { room } from "./room.ts"
import { next } from "./small-rooms.ts"
import type { Connection, Wording } from "./store.ts"
import { logEntries, operations } from "./tables.ts"

type Row = Record<string, SqlValue>

/** In one statement: databases limit how many values that has. */
const mostLines = 1000

/** Word for word the condition of an index: only so does a database see that it may use it. */
const notEnded = "state in ('queued', 'running', 'undoing')"
const ended = "state in ('done', 'undone')"
const goesOn = (alias: string) => sql<boolean>`${sql.raw(`${alias}.${notEnded}`)}`
/** A stuck operation keeps its places: what it worked on is neither as it was nor as it was to be. */
const blocks = (alias: string) =>
  sql<boolean>`${sql.raw(`${alias}.state in ('queued', 'running', 'undoing', 'stuck')`)}`

export function operationRoom(to: Connection): OperationRoom {
  const rows = room(to, operations)
  return {
    ...rows,

    async enqueue(operation, holds) {
      await rows.add(operation)
      if (holds.length === 0) return
      const seq = await next(to, "queue")
      const { id: operation_id } = operation
      const lines = [...new Set(holds)].map((resource) => ({ resource, seq, operation_id }))
      for (let from = 0; from < lines.length; from += mostLines) {
        const some = lines.slice(from, from + mostLines)
        const values = some.flatMap((line) => Object.values(line))
        await to.run(`operation: hold ${some.length}`, values, (db) =>
          db.insertInto("operation_hold").values(some),
        )
      }
    },

    async log(id) {
      const lines = await to.all<Row>("operation: log", [id], (db) =>
        db.selectFrom("operation_log").selectAll().where("operation_id", "=", id).orderBy("seq"),
      )
      return lines.map(logEntries.decode)
    },

    async append(id, entry) {
      const seq = sql<number>`(select coalesce(max(seq), 0) + 1 from operation_log
        where operation_id = ${id})`
      const line = logEntries.encode(entry)
      await to.run("operation: append", [...Object.values(line), id, id], (db) =>
        db.insertInto("operation_log").values({ ...line, operation_id: id, seq } as never),
      )
    },

    async release(id, resources) {
      const some = resources === undefined ? null : padded([...resources])
      if (some?.length === 0) return []
      const shape = `operation: release ${some?.length}`
      const freed = await to.all<{ resource: string }>(shape, [id, ...(some ?? [])], (db) => {
        const own = db.deleteFrom("operation_hold").where("operation_id", "=", id)
        return (some === null ? own : own.where("resource", "in", some)).returning("resource")
      })
      return freed.map(({ resource }) => resource)
    },

    async holding(resource) {
      const found = await to.all<Row>("operation: holding", [resource], (db) =>
        db
          .selectFrom("operation_hold as hold")
          .innerJoin("operation", "operation.id", "hold.operation_id")
          .selectAll("operation")
          .where("hold.resource", "=", resource)
          .where(blocks("operation"))
          .orderBy("hold.seq"),
      )
      return found.map(operations.decode)
    },

    firstHolding: (resources) => firstHolding(to, resources),

    async forgetEnded(beforeMs, atMost) {
      return await to.run("operation: forget", [beforeMs, atMost], (db) => {
        const old = db
          .selectFrom("operation")
          .select("id")
          .where(sql<boolean>`${sql.raw(ended)}`)
          .where("ended_at", "<", beforeMs)
          .orderBy("ended_at")
          .limit(atMost)
        return db.deleteFrom("operation").where("id", "in", old)
      })
    },
  }
}

const worded =
  (text: RawBuilder<unknown>): Wording =>
  (db) => ({ compile: () => text.compile(db) })

/**
 * However long the queues are, only their beginnings are looked at: whoever ends gives up its
 * places with that, so the first there is the first that counts.
 */
async function firstHolding(
  to: Connection,
  resources: readonly string[],
): Promise<Map<string, Operation>> {
  const first = new Map<string, Operation>()
  for (let from = 0; from < resources.length; from += mostLines) {
    await addFirsts(to, first, padded(resources.slice(from, from + mostLines)))
  }
  return first
}

async function addFirsts(to: Connection, first: Map<string, Operation>, wanted: string[]) {
  const rows = sql.join(wanted.map((resource) => sql`(${resource})`))
  const text = sql`with wanted(resource) as (values ${rows})
    select operation.*, wanted.resource as resource from wanted
      join operation_hold as hold on hold.resource = wanted.resource and hold.seq =
        (select min(other.seq) from operation_hold as other where other.resource = wanted.resource)
      join operation on operation.id = hold.operation_id and ${blocks("operation")}`
  const shape = `operation: first holding ${wanted.length}`
  for (const { resource, ...row } of await to.all<Row>(shape, wanted, worded(text))) {
    first.set(String(resource), operations.decode(row))
  }
}

/** It is first in all its queues. `enqueue` files it in all of them at once: no deadlocks. */
const mayRun = (alias: string) => sql<boolean>`not exists (
  select 1 from operation_hold as own
    join operation_hold as earlier on earlier.resource = own.resource and earlier.seq < own.seq
    join operation as other on other.id = earlier.operation_id
  where own.operation_id = ${sql.raw(alias)}.id and ${blocks("other")})`

export type Claiming = { node: string; nowMs: number; leaseUntil: number }

/** See `Ledger.claim`. */
export async function claim(
  to: Connection,
  claiming: Claiming,
  except: readonly OperationId[],
): Promise<Claim | undefined> {
  const { node, nowMs } = claiming
  const others = padded([...except])
  const unless = others.length === 0 ? sql`` : sql`and mine.id not in (${sql.join(others)})`
  const text = sql`
    select mine.id from operation as mine
    where mine.node = ${node} and ${goesOn("mine")}
      and (mine.state = 'queued' or mine.lease_until < ${nowMs}) ${unless}
      and ${mayRun("mine")}
    order by mine.id limit 1`
  const shape = `operation: claimable ${others.length}`
  const values = [node, nowMs, ...others]
  const [found] = await to.all<{ id: OperationId }>(shape, values, worded(text))
  const operation = found && (await take(to, found.id, claiming, sql<boolean>`true`))
  return operation && { operation, log: await operationRoom(to).log(operation.id) }
}

/** See `Ledger.claimThese`. */
export async function claimThese(
  to: Connection,
  claiming: Claiming,
  ids: readonly OperationId[],
): Promise<Claim[]> {
  const claims: Claim[] = []
  for (const id of ids) {
    const waits = sql<boolean>`node = ${claiming.node} and state = 'queued'
      and ${mayRun("operation")}`
    const operation = await take(to, id, claiming, waits, [claiming.node])
    if (operation === undefined) continue
    // What was never claimed before has no log.
    const log = operation.fence === 1 ? [] : await operationRoom(to).log(id)
    claims.push({ operation, log })
  }
  return claims
}

async function take(
  to: Connection,
  id: OperationId,
  { nowMs, leaseUntil }: Claiming,
  where: RawBuilder<boolean>,
  more: readonly SqlValue[] = [],
): Promise<Operation | undefined> {
  const shape = `operation: take ${more.length}`
  const [row] = await to.all<Row>(shape, [leaseUntil, nowMs, id, ...more], (db) =>
    db
      .updateTable("operation")
      .set({
        state: sql<string>`case when state = 'undoing' then 'undoing' else 'running' end`,
        fence: sql<number>`fence + 1`,
        lease_until: leaseUntil,
        started_at: sql<number>`coalesce(started_at, ${nowMs})`,
      })
      .where("id", "=", id)
      .where(where)
      .returningAll(),
  )
  return row && operations.decode(row)
}

/** Throws `ClaimLost` unless the operation goes on under this very fence. */
export async function checkFence(to: Connection, id: OperationId, fence: number): Promise<void> {
  const [standing] = await to.all("operation: fence", [id, fence], (db) =>
    db
      .selectFrom("operation")
      .select("id")
      .where("id", "=", id)
      .where("fence", "=", fence)
      .where(goesOn("operation")),
  )
  if (standing === undefined) throw new ClaimLost(id)
}

export async function renew(to: Connection, id: OperationId, fence: number, leaseUntil: number) {
  await checkFence(to, id, fence)
  await to.run("operation: renew", [leaseUntil, id], (db) =>
    db.updateTable("operation").set({ lease_until: leaseUntil }).where("id", "=", id),
  )
}

export async function expireLeases(to: Connection, node: string): Promise<void> {
  await to.run("operation: expire", [0, node], (db) =>
    db
      .updateTable("operation")
      .set({ lease_until: 0 })
      .where("node", "=", node)
      .where(goesOn("operation")),
  )
}
