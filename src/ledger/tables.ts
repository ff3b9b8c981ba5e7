/** Every table, as the queries see them. The migrations make them; the compiler compares fields. */
import type { Kysely } from "kysely"
import type { Account, AppCredentialRow, SshKey, Token, UserRow } from "../domain/account.ts"
import type { EngineRecord } from "../domain/engine-memory.ts"
import type { Image } from "../domain/image.ts"
import type { Machine } from "../domain/machine.ts"
import type { Event, LogEntry, Operation } from "../domain/operation.ts"
import type { Point, Snapshot } from "../domain/snapshot.ts"
import type { Volume } from "../domain/volume.ts"
import type { Columns, SqlValue } from "./codec.ts"
import { table } from "./codec.ts"
import type { Repeat } from "./ledger.ts"

export type Tables = {
  account: Columns<Account>
  user_account: Columns<UserRow>
  token: Columns<Token>
  ssh_key: Columns<SshKey>
  app_credential: Columns<AppCredentialRow>
  image: Columns<Image>
  volume: Columns<Volume>
  machine: Columns<Machine>
  snapshot: Columns<Snapshot>
  point: Columns<Point>
  operation: Columns<Operation>
  /** The queues: one line for each resource an operation holds; the lowest `seq` is first. */
  operation_hold: { resource: string; seq: number; operation_id: string }
  operation_log: Columns<LogEntry> & { operation_id: string; seq: number }
  event: Columns<Event>
  repeat: Columns<Repeat> & { user_id: string; key: string }
  standing: { source_id: string; snapshot_id: string }
  engine_record: Columns<EngineRecord> & { engine: string }
  setting: { key: string; value: string }
  counter: { name: string; value: number }
}
export type Db = Kysely<Tables>

/** The same database to those who are told the table only when they run. */
export type AnyDb = Kysely<Record<string, Record<string, SqlValue>>>
export const anyTable = (db: Db): AnyDb => db as unknown as AnyDb

export const accounts = table<Account>("account", {
  id: "text",
  login: "text",
  tenantId: "text",
  accountNumber: "number",
  quota: "json",
  createdAt: "number",
})

// "user" means the connected role to PostgreSQL, hence the longer name.
export const users = table<UserRow>("user_account", {
  id: "text",
  accountId: "text",
  name: "text",
  role: "text",
  passwordHash: "text",
  apiKeyHash: "text",
  createdAt: "number",
})

export const tokens = table<Token>("token", {
  id: "text",
  hash: "text",
  kind: "text",
  userId: "text",
  accountId: "text",
  role: "text",
  credentialId: "text",
  story: "json",
  createdAt: "number",
  expiresAt: "number",
})

export const keys = table<SshKey>("ssh_key", {
  id: "text",
  accountId: "text",
  userId: "text",
  name: "text",
  fingerprint: "text",
  publicKey: "text",
  createdAt: "number",
})

export const appCredentials = table<AppCredentialRow>("app_credential", {
  id: "text",
  userId: "text",
  accountId: "text",
  name: "text",
  description: "text",
  role: "text",
  secretHash: "text",
  expiresAt: "number",
  createdAt: "number",
})

export const images = table<Image>("image", {
  id: "text",
  accountId: "text",
  name: "text",
  state: "text",
  kind: "text",
  sizeBytes: "number",
  engine: "text",
  pointId: "text",
  boot: "json",
  reason: "text",
  createdAt: "number",
})

/** As `Labels` has them. */
const labels = { description: "text", metadata: "json", tags: "json" } as const

export const volumes = table<Volume>("volume", {
  id: "text",
  accountId: "text",
  node: "text",
  engine: "text",
  name: "text",
  sizeBytes: "number",
  type: "text",
  state: "text",
  machineId: "text",
  role: "text",
  slot: "number",
  fromImageId: "text",
  fromSnapshotId: "text",
  fromPointId: "text",
  fromVolumeId: "text",
  claim: "json",
  ...labels,
  reason: "text",
  createdAt: "number",
})

export const machines = table<Machine>("machine", {
  id: "text",
  accountId: "text",
  node: "text",
  kind: "text",
  name: "text",
  state: "text",
  hardware: "json",
  imageId: "text",
  boot: "json",
  rootVolumeId: "text",
  process: "json",
  held: "json",
  deletionProtected: "flag",
  ...labels,
  reason: "text",
  createdAt: "number",
})

export const snapshots = table<Snapshot>("snapshot", {
  id: "text",
  accountId: "text",
  name: "text",
  state: "text",
  sourceKind: "text",
  sourceId: "text",
  parentId: "text",
  consistency: "json",
  machine: "json",
  claim: "json",
  memoryBytes: "number",
  ...labels,
  recovery: "flag",
  expiresAt: "number",
  reason: "text",
  createdAt: "number",
  readyAt: "number",
})

export const points = table<Point>("point", {
  id: "text",
  accountId: "text",
  snapshotId: "text",
  volumeId: "text",
  engine: "text",
  sizeBytes: "number",
  role: "text",
})

export const operations = table<Operation>("operation", {
  id: "text",
  kind: "text",
  version: "number",
  accountId: "text",
  userId: "text",
  node: "text",
  state: "text",
  params: "json",
  targetKind: "text",
  targetId: "text",
  subjectId: "text",
  caller: "json",
  progress: "number",
  message: "text",
  reason: "text",
  fault: "json",
  reservedBytes: "number",
  cancelled: "flag",
  dismissed: "flag",
  fence: "number",
  leaseUntil: "number",
  createdAt: "number",
  startedAt: "number",
  endedAt: "number",
})

export const logEntries = table<LogEntry>("operation_log", {
  step: "text",
  event: "text",
  output: "json",
  reason: "text",
  fault: "json",
  at: "number",
})

export const events = table<Event>("event", {
  id: "number",
  at: "number",
  accountId: "text",
  type: "text",
  resourceKind: "text",
  resourceId: "text",
  data: "json",
})

export const repeats = table<Repeat>("repeat", {
  requestHash: "text",
  status: "number",
  body: "json",
  createdAt: "number",
})

export const engineRecords = table<EngineRecord>("engine_record", {
  kind: "text",
  id: "text",
  parent: "text",
  body: "json",
})
