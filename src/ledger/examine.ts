/** Looks for what should never be: first the database's own files, then what we wrote in them. */
import { sql } from "kysely"
import type { Store } from "./store.ts"

/** Each finds the ids of what breaks a rule that every transaction should have kept. */
const rules: readonly { find: string; say(id: string): string }[] = [
  {
    find: `select distinct hold.operation_id as id from operation_hold as hold
      join operation on operation.id = hold.operation_id where operation.state in ('done', 'undone')`,
    say: (id) => `operation ${id} has ended, and still holds what it worked on`,
  },
  {
    find: `select id from point where not exists
      (select 1 from snapshot where snapshot.id = point.snapshot_id)`,
    say: (id) => `point ${id} belongs to no snapshot`,
  },
  {
    find: `select id from snapshot where state = 'ready' and not exists
      (select 1 from point where point.snapshot_id = snapshot.id)`,
    say: (id) => `snapshot ${id} is ready, and has no points`,
  },
  {
    find: `select id from volume where state = 'in-use' and not exists
      (select 1 from machine where machine.id = volume.machine_id)`,
    say: (id) => `volume ${id} is in use by no machine`,
  },
  {
    find: `select id from machine where state in ('running', 'stopped') and not exists
      (select 1 from volume where volume.id = machine.root_volume_id)`,
    say: (id) => `machine ${id} has lost its root volume`,
  },
  {
    find: `select source_id as id from standing where not exists
      (select 1 from snapshot where snapshot.id = standing.snapshot_id)`,
    say: (id) => `${id} stands on a snapshot that is not there`,
  },
]

/** A person reads this: so many of one kind are enough to understand what went wrong. */
const mostOfOneKind = 100

export async function examine(store: Store): Promise<string[]> {
  const words = await store.integrity()
  for (const { find, say } of rules) {
    const query = sql<{ id: string }>`${sql.raw(find)} order by 1 limit ${mostOfOneKind}`
    const { rows } = await query.execute(store.reader.db)
    words.push(...rows.map((row) => say(row.id)))
  }
  return words
}
