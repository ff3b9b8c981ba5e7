/** Operations, their logs, and the queues in which they wait for what they hold. */
import { sql } from "kysely"
import type { OperationId } from "../domain/ids.ts"
import type { Operation } from "../domain/operation.ts"
import type { Claim, OperationRoom } from "./ledger.ts"
import { ClaimLost } from "./ledger.ts"
import { room } from "./room.ts"
import type { Db } from "./tables.ts"
import { logEntries, operations } from "./tables.ts"

/** In one statement: databases limit how many values that has. */
const mostLines = 1000

/** Word for word the condition of an index: only so does a database see that it may use it. */
const notEnded = "state in ('queued', 'running', 'undoing')"
const ended = "state in ('done', 'undone')"
const goesOn = (alias: string) => sql<boolean>`${sql.raw(`${alias}.${notEnded}`)}`
/** A stuck operation keeps its places: what it worked on is neither as it was nor as it was to be. */
const blocks = (alias: string) =>
  sql<boolean>`${sql.raw(`${alias}.state in ('queued', 'running', 'undoing', 'stuck')`)}`

export function operationRoom(db: Db): OperationRoom {
  const rows = room(db, operations)
  return {
    ...rows,

    async enqueue(operation, holds) {
      await rows.add(operation)
      if (holds.length === 0) return
      const seq = await next(db, "queue")
      const lines = [...new Set(holds)].map((resource) => ({
        resource,
        seq,
        operation_id: operation.id,
      }))
      for (let from = 0; from < lines.length; from += mostLines) {
        const some = lines.slice(from, from + mostLines)
        await db.insertInto("operation_hold").values(some).execute()
      }
    },

    async log(id) {
      const lines = await db
        .selectFrom("operation_log")
        .selectAll()
        .where("operation_id", "=", id)
        .orderBy("seq")
        .execute()
      return lines.map(logEntries.decode)
    },

    async append(id, entry) {
      const seq = sql<number>`(select coalesce(max(seq), 0) + 1 from operation_log
        where operation_id = ${id})`
      const line = { ...logEntries.encode(entry), operation_id: id, seq }
      await db
        .insertInto("operation_log")
        .values(line as never)
        .execute()
    },

    async release(id, resources) {
      const own = db.deleteFrom("operation_hold").where("operation_id", "=", id)
      await (resources === undefined ? own : own.where("resource", "in", resources)).execute()
    },

    async holding(resource) {
      const found = await db
        .selectFrom("operation_hold as hold")
        .innerJoin("operation", "operation.id", "hold.operation_id")
        .selectAll("operation")
        .where("hold.resource", "=", resource)
        .where(blocks("operation"))
        .orderBy("hold.seq")
        .execute()
      return found.map(operations.decode)
    },

    firstHolding: (resources) => firstHolding(db, resources),

    async forgetEnded(beforeMs, atMost) {
      const old = db
        .selectFrom("operation")
        .select("id")
        .where(sql<boolean>`${sql.raw(ended)}`)
        .where("ended_at", "<", beforeMs)
        .orderBy("ended_at")
        .limit(atMost)
      const { numDeletedRows } = await db
        .deleteFrom("operation")
        .where("id", "in", old)
        .executeTakeFirstOrThrow()
      return Number(numDeletedRows)
    },
  }
}

async function firstHolding(db: Db, resources: readonly string[]): Promise<Map<string, Operation>> {
  const first = new Map<string, Operation>()
  if (resources.length === 0) return first
  const found = await db
    .selectFrom("operation_hold as hold")
    .innerJoin("operation", "operation.id", "hold.operation_id")
    .selectAll("operation")
    .select("hold.resource")
    .where("hold.resource", "in", resources)
    .where(blocks("operation"))
    .orderBy("hold.resource")
    .orderBy("hold.seq")
    .execute()
  for (const { resource, ...row } of found) {
    if (!first.has(resource)) first.set(resource, operations.decode(row))
  }
  return first
}

/**
 * A number one higher than the last, in the same transaction as what it numbers: taken back with
 * it, so there are no gaps, and given out in the order of commits.
 */
export async function next(db: Db, counter: "event" | "queue"): Promise<number> {
  const { value } = await db
    .updateTable("counter")
    .set({ value: sql<number>`value + 1` })
    .where("name", "=", counter)
    .returning("value")
    .executeTakeFirstOrThrow()
  return value
}

/** See `Ledger.claim`. `enqueue` files an operation in all its queues at once: no deadlocks. */
export async function claim(
  db: Db,
  node: string,
  nowMs: number,
  { leaseUntil, except }: { leaseUntil: number; except: readonly OperationId[] },
): Promise<Claim | undefined> {
  const others = except.length === 0 ? sql`` : sql`and mine.id not in (${sql.join(except)})`
  const { rows } = await sql<{ id: OperationId }>`
    select mine.id from operation as mine
    where mine.node = ${node} and ${goesOn("mine")}
      and (mine.state = 'queued' or mine.lease_until < ${nowMs}) ${others}
      and not exists (
        select 1 from operation_hold as own
          join operation_hold as earlier
            on earlier.resource = own.resource and earlier.seq < own.seq
          join operation as other on other.id = earlier.operation_id
        where own.operation_id = mine.id and ${blocks("other")})
    order by mine.id limit 1`.execute(db)
  const [found] = rows
  if (found === undefined) return undefined
  const taken = await db
    .updateTable("operation")
    .set({
      state: sql<"running">`case when state = 'undoing' then 'undoing' else 'running' end`,
      fence: sql<number>`fence + 1`,
      lease_until: leaseUntil,
      started_at: sql<number>`coalesce(started_at, ${nowMs})`,
    })
    .where("id", "=", found.id)
    .returningAll()
    .executeTakeFirstOrThrow()
  return { operation: operations.decode(taken), log: await operationRoom(db).log(found.id) }
}

/** Throws `ClaimLost` unless the operation goes on under this very fence. */
export async function checkFence(db: Db, id: OperationId, fence: number): Promise<void> {
  const standing = await db
    .selectFrom("operation")
    .select("id")
    .where("id", "=", id)
    .where("fence", "=", fence)
    .where(goesOn("operation"))
    .executeTakeFirst()
  if (standing === undefined) throw new ClaimLost(id)
}

export async function renew(db: Db, id: OperationId, fence: number, leaseUntil: number) {
  await checkFence(db, id, fence)
  await db.updateTable("operation").set({ lease_until: leaseUntil }).where("id", "=", id).execute()
}

export async function expireLeases(db: Db, node: string): Promise<void> {
  await db
    .updateTable("operation")
    .set({ lease_until: 0 })
    .where("node", "=", node)
    .where(goesOn("operation"))
    .execute()
}
