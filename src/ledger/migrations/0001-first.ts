/**
 * The first tables. Written in what SQLite and PostgreSQL share: `bigint` for numbers and for
 * booleans (0 or 1), `text` for the rest. Every list is answered from an index that ends in `id`,
 * so that a page costs the same however long the list is.
 */
import type { CreateTableBuilder, Kysely } from "kysely"
import { sql } from "kysely"

type NewDb = Kysely<Record<string, Record<string, unknown>>>

export async function up(db: NewDb): Promise<void> {
  await identities(db)
  await things(db)
  await pictures(db)
  await operations(db)
  await memories(db)
}

async function identities(db: NewDb): Promise<void> {
  await create(db, "account", ["id"], ["login", "tenant_id"], ["account_number", "created_at"])
  await unique(db, "account_by_login", "account", ["login"])
  await unique(db, "account_by_tenant", "account", ["tenant_id"])
  await unique(db, "account_by_number", "account", ["account_number"])

  const user = ["name", "role", "password_hash?", "api_key_hash?"]
  await create(db, "user_account", ["id"], user, ["created_at"], { account_id: "account" })
  await unique(db, "user_account_by_name", "user_account", ["name"])
  await index(db, "user_account_by_account", "user_account", ["account_id", "id"])

  const token = ["hash", "kind"]
  const tokenTimes = ["created_at", "expires_at?"]
  await create(db, "token", ["id"], token, tokenTimes, { user_id: "user_account" })
  await unique(db, "token_by_hash", "token", ["hash"])
  await index(db, "token_by_user", "token", ["user_id", "id"])

  const key = ["name", "fingerprint", "public_key"]
  const owners = { account_id: "account", user_id: "user_account" }
  await create(db, "ssh_key", ["id"], key, ["created_at"], owners)
  await unique(db, "ssh_key_by_fingerprint", "ssh_key", ["account_id", "fingerprint"])
  await index(db, "ssh_key_by_account", "ssh_key", ["account_id", "id"])
  await index(db, "ssh_key_by_user", "ssh_key", ["user_id", "id"])
}

async function things(db: NewDb): Promise<void> {
  const image = ["account_id?", "name", "state", "kind", "engine", "point_id", "boot?", "reason?"]
  await create(db, "image", ["id"], image, ["size_bytes", "created_at"])
  await listed(db, "image")

  const machine = ["account_id", "node", "kind", "name", "state", "hardware", "image_id"]
  const running = ["boot?", "root_volume_id", "process?", "reason?"]
  await create(db, "machine", ["id"], [...machine, ...running], ["created_at"])
  await listed(db, "machine")
  await index(db, "machine_by_state", "machine", ["state", "id"])
  await index(db, "machine_by_image", "machine", ["image_id", "id"])

  const volume = ["account_id", "node", "engine", "name", "state", "machine_id?", "role"]
  const origin = ["from_image_id?", "from_snapshot_id?", "reason?"]
  const sizes = ["size_bytes", "slot?", "created_at"]
  await create(db, "volume", ["id"], [...volume, ...origin], sizes)
  await listed(db, "volume")
  await index(db, "volume_by_state", "volume", ["state", "id"])
  await index(db, "volume_by_machine", "volume", ["machine_id", "id"])
  await index(db, "volume_by_origin", "volume", ["from_snapshot_id", "id"])
}

async function pictures(db: NewDb): Promise<void> {
  const snapshot = ["account_id", "name", "state", "source_kind", "source_id", "parent_id?"]
  const facts = ["consistency?", "machine?", "reason?"]
  const numbers = ["recovery", "expires_at?", "created_at", "ready_at?"]
  await create(db, "snapshot", ["id"], [...snapshot, ...facts], numbers)
  await listed(db, "snapshot")
  await index(db, "snapshot_by_state", "snapshot", ["state", "id"])
  await index(db, "snapshot_by_source", "snapshot", ["source_id", "id"])
  await index(db, "snapshot_by_parent", "snapshot", ["parent_id", "id"])
  // `recovery` leads it too: SQLite takes an index for a column it looks up, not for its rarity.
  await index(db, "snapshot_recovery", "snapshot", ["recovery", "id"], "recovery = 1")

  const point = ["snapshot_id", "volume_id", "engine", "role"]
  await create(db, "point", ["id"], point, ["size_bytes"])
  await index(db, "point_by_snapshot", "point", ["snapshot_id", "id"])
  await index(db, "point_by_volume", "point", ["volume_id", "id"])

  await create(db, "standing", ["source_id"], ["snapshot_id"], [])
  await index(db, "standing_by_snapshot", "standing", ["snapshot_id"])
}

async function operations(db: NewDb): Promise<void> {
  const order = ["kind", "account_id", "user_id?", "node", "state", "params?"]
  const shown = ["target_kind", "target_id", "message", "reason?", "fault?"]
  const times = ["lease_until", "created_at", "started_at?", "ended_at?"]
  await create(db, "operation", ["id"], [...order, ...shown], ["version", "fence", ...times], {}, [
    "progress",
  ])
  await index(db, "operation_by_account", "operation", ["account_id", "id"])
  await index(db, "operation_by_state", "operation", ["state", "id"])
  await index(db, "operation_by_target", "operation", ["target_id", "id"])
  const goesOn = "state in ('queued', 'running', 'undoing')"
  await index(db, "operation_not_ended", "operation", ["node", "id"], goesOn)

  const log = ["step", "event", "output?", "reason?", "fault?"]
  const of = { operation_id: "operation" }
  await create(db, "operation_log", ["operation_id", "seq"], log, ["at", "seq"], of)
  await create(db, "operation_hold", ["resource", "seq"], ["resource"], ["seq"], of)
  await index(db, "operation_hold_by_operation", "operation_hold", ["operation_id"])
}

async function memories(db: NewDb): Promise<void> {
  const event = ["account_id?", "type", "resource_kind", "resource_id", "data?"]
  await create(db, "event", ["id"], event, ["id", "at"])
  await index(db, "event_by_account", "event", ["account_id", "id"])

  const answer = ["user_id", "key", "request_hash", "body?"]
  await create(db, "repeat", ["user_id", "key"], answer, ["status", "created_at"])
  await index(db, "repeat_by_age", "repeat", ["created_at"])

  const engineRecord = ["engine", "kind", "id", "parent?", "body?"]
  await create(db, "engine_record", ["engine", "kind", "id"], engineRecord, [])
  await index(db, "engine_record_by_parent", "engine_record", ["engine", "kind", "parent", "id"])

  await create(db, "setting", ["key"], ["key", "value"], [])
  await create(db, "counter", ["name"], ["name"], ["value"])
  const counters = ["event", "queue"].map((name) => ({ name, value: 0 }))
  await db.insertInto("counter").values(counters).execute()
}

/**
 * Makes a table. `name?` may be null. A key column that is not listed is text. Rows that belong
 * to one of `owners` go when it goes.
 */
async function create(
  db: NewDb,
  table: string,
  key: readonly string[],
  texts: readonly string[],
  numbers: readonly string[],
  owners: Record<string, string> = {},
  fractions: readonly string[] = [],
): Promise<void> {
  type Builder = CreateTableBuilder<string, string>
  let builder: Builder = db.schema.createTable(table)
  const add = (column: string, type: "text" | "bigint" | "double precision") => {
    const name = column.replace("?", "")
    builder = builder.addColumn(name, type, (c) => (column.endsWith("?") ? c : c.notNull()))
  }
  const listedColumns = [...texts, ...numbers, ...Object.keys(owners)]
  for (const column of key) if (!listedColumns.includes(column)) add(column, "text")
  for (const [column, owner] of Object.entries(owners)) {
    builder = builder.addColumn(column, "text", (c) =>
      c.notNull().references(`${owner}.id`).onDelete("cascade"),
    )
  }
  for (const column of texts) add(column, "text")
  for (const column of numbers) add(column, "bigint")
  for (const column of fractions) add(column, "double precision")
  await builder.addPrimaryKeyConstraint(`${table}_key`, [...key] as never).execute()
}

/** Lists by account, and looking one up by its name within the account. */
async function listed(db: NewDb, table: string): Promise<void> {
  await index(db, `${table}_by_account`, table, ["account_id", "id"])
  await index(db, `${table}_by_name`, table, ["account_id", "name", "id"])
}

async function index(db: NewDb, name: string, table: string, columns: string[], only?: string) {
  const builder = db.schema.createIndex(name).on(table).columns(columns)
  await (only === undefined ? builder : builder.where(sql.raw<boolean>(only))).execute()
}

async function unique(db: NewDb, name: string, table: string, columns: string[]) {
  await db.schema.createIndex(name).unique().on(table).columns(columns).execute()
}
