/** Things to fill a ledger with: one of each kind, with the values that are hardest to keep. */
import type { Account, AppCredentialRow, SshKey, Token, UserRow } from "../domain/account.ts"
import { type Id, newId } from "../domain/ids.ts"
import type { Image } from "../domain/image.ts"
import type { Machine } from "../domain/machine.ts"
import type { LogEntry, Operation } from "../domain/operation.ts"
import type { Point, Snapshot } from "../domain/snapshot.ts"
import type { Volume } from "../domain/volume.ts"
import type { Ledger, ReadRooms, Room, Rooms } from "./ledger.ts"

/** Quotes, SQL, every control character but NUL (PostgreSQL keeps none), and all planes. */
export const awkward = `'";--\\ %_ \u{1F4F7} \u00e9 e\u0301 \ufeff${Array.from(
  { length: 31 },
  (_, i) => String.fromCharCode(i + 1),
).join("")}\u007f\u2028`

/** In JSON also NUL and half a surrogate pair, which no UTF-8 text can hold, come back. */
const awkwardJson = { deep: [null, true, 0.1, -1e21, "\u0000\ud800", { "": awkward }] }

const at = 1_900_000_000_123

export const account = (patch: Partial<Account> = {}): Account => {
  const id = newId<"account">()
  const number = Number.parseInt(id.slice(-12), 16)
  const tenantId = id.replaceAll("-", "")
  const quota = { snapshots: 3, physicalBytes: 2 ** 53 - 1 }
  const names = { login: `login ${id}`, tenantId, accountNumber: number }
  return { id, ...names, quota, createdAt: at, ...patch }
}

export const user = (accountId: Account["id"], patch: Partial<UserRow> = {}): UserRow => {
  const id = newId<"user">()
  const hashes = { passwordHash: "$argon2id$...", apiKeyHash: null }
  return { id, accountId, name: `user ${id}`, role: "member", ...hashes, createdAt: at, ...patch }
}

export const token = (userId: UserRow["id"], patch: Partial<Token> = {}): Token => {
  const id = newId<"token">()
  const times = { createdAt: at, expiresAt: null }
  const scope = { accountId: null, role: null, credentialId: null }
  const story = { methods: ["password", awkward], scoped: false }
  return { id, hash: `sha ${id}`, kind: "bearer", userId, ...scope, story, ...times, ...patch }
}

export const key = (of: UserRow, patch: Partial<SshKey> = {}): SshKey => {
  const id = newId<"key">()
  const owners = { accountId: of.accountId, userId: of.id }
  const material = { fingerprint: id, publicKey: "ssh-ed25519 AAAA" }
  return { id, ...owners, name: awkward, ...material, createdAt: at, ...patch }
}

export const appCredential = (
  of: UserRow,
  patch: Partial<AppCredentialRow> = {},
): AppCredentialRow => ({
  id: newId(),
  userId: of.id,
  accountId: of.accountId,
  name: awkward,
  description: awkward,
  role: "reader",
  secretHash: "$argon2id$...",
  expiresAt: null,
  createdAt: at,
  ...patch,
})

const labels = {
  description: awkward,
  metadata: { [awkward]: awkward },
  tags: { [awkward]: true, n: 0.5 },
}

export const image = (patch: Partial<Image> = {}): Image => ({
  id: newId(),
  accountId: null,
  name: awkward,
  state: "ready",
  kind: "vm",
  sizeBytes: 2 ** 53 - 1,
  engine: "qcow2",
  pointId: newId(),
  boot: { append: awkward },
  reason: null,
  createdAt: at,
  ...patch,
})

export const volume = (patch: Partial<Volume> = {}): Volume => ({
  id: newId(),
  accountId: newId(),
  node: "here",
  engine: "qcow2",
  name: awkward,
  sizeBytes: 64 * 2 ** 40,
  state: "available",
  machineId: null,
  role: "extra",
  slot: null,
  fromImageId: null,
  fromSnapshotId: null,
  fromPointId: null,
  fromVolumeId: newId(),
  claim: { over: "available", is: awkward, progress: null },
  type: null,
  ...labels,
  reason: awkward,
  createdAt: at,
  ...patch,
})

export const machine = (patch: Partial<Machine> = {}): Machine => ({
  id: newId(),
  accountId: newId(),
  node: "here",
  kind: "vm",
  name: awkward,
  state: "creating",
  hardware: { memoryMiB: 256, cpus: 2, machineType: null, cpuModel: awkward },
  imageId: newId(),
  boot: null,
  rootVolumeId: newId(),
  process: { pid: 1, startTicks: 2 ** 40, accelerator: "tcg" },
  held: { operationId: newId(), until: at },
  deletionProtected: true,
  ...labels,
  reason: null,
  createdAt: at,
  ...patch,
})

export const snapshot = (patch: Partial<Snapshot> = {}): Snapshot => ({
  id: newId(),
  accountId: newId(),
  name: awkward,
  state: "creating",
  sourceKind: "machine",
  sourceId: newId(),
  parentId: null,
  consistency: { label: "memory", pauseMs: 1.25, freezeMs: 0, skewMs: 0, note: awkward },
  machine: {
    hardware: { memoryMiB: 1, cpus: 1, machineType: "pc-q35-7.2", cpuModel: null },
    disks: [{ volumeId: newId(), slot: 0, role: "root" }],
    running: true,
    accelerator: "tcg",
  },
  claim: { over: "ready", is: "creating", progress: awkward },
  memoryBytes: 2 ** 40,
  ...labels,
  recovery: true,
  expiresAt: at,
  reason: null,
  createdAt: at,
  readyAt: null,
  ...patch,
})

export const point = (patch: Partial<Point> = {}): Point => ({
  id: newId(),
  accountId: newId(),
  snapshotId: newId(),
  volumeId: newId(),
  engine: "qcow2",
  sizeBytes: 0,
  role: "root",
  ...patch,
})

export const operation = (patch: Partial<Operation> = {}): Operation => ({
  id: newId(),
  kind: "snapshot-create",
  version: 1,
  accountId: newId(),
  userId: null,
  node: "here",
  state: "queued",
  params: awkwardJson,
  targetKind: "snapshot",
  targetId: newId(),
  subjectId: newId(),
  caller: { face: "cloudapi", address: "::1", key: awkward },
  progress: 33.3,
  message: awkward,
  reason: null,
  fault: { kind: "in-use", what: "volume", id: "x", by: [], hint: awkward },
  reservedBytes: 2 ** 41,
  cancelled: true,
  dismissed: true,
  fence: 0,
  leaseUntil: 0,
  createdAt: at,
  startedAt: null,
  endedAt: null,
  ...patch,
})

export const logEntry = (patch: Partial<LogEntry> = {}): LogEntry => ({
  step: "switch",
  event: "done",
  output: awkwardJson,
  reason: null,
  fault: null,
  at,
  ...patch,
})

export const event = (accountId: Id<"account"> | null = null, type = "snapshot.ready") => ({
  at,
  accountId,
  type,
  resourceKind: "snapshot",
  resourceId: newId(),
  data: awkwardJson,
})

export type Kind = {
  [K in keyof Rooms]: Rooms[K] extends Room<infer _T> ? K : never
}[keyof Rooms]

/** Adds two of every kind, and returns them under the names of their rooms, oldest first. */
export async function fill(ledger: Ledger): Promise<{ [K in Kind]: { id: string }[] }> {
  const accounts = [account(), account()] as const
  const users = [user(accounts[0].id), user(accounts[1].id, { apiKeyHash: awkward })] as const
  const all = {
    accounts: [...accounts],
    users: [...users],
    tokens: [
      token(users[0].id),
      token(users[1].id, { accountId: accounts[0].id, role: "reader", expiresAt: at }),
    ],
    keys: [key(users[0]), key(users[1])],
    appCredentials: [appCredential(users[0]), appCredential(users[1], { expiresAt: at })],
    images: [image(), image({ accountId: accounts[0].id, boot: null })],
    volumes: [volume(), volume({ machineId: newId(), slot: 0, reason: null })],
    machines: [machine(), machine({ process: null, boot: { append: "" }, reason: "" })],
    snapshots: [snapshot(), snapshot({ consistency: null, machine: null, recovery: false })],
    points: [point(), point()],
    operations: [operation(), operation({ params: null, fault: null, startedAt: at })],
  }
  await ledger.transaction(async (rooms) => {
    for (const kind of Object.keys(all) as Kind[]) {
      for (const row of all[kind]) await rooms[kind].add(row as never)
    }
  })
  return all
}

/** All that can be read back, as one value to compare. */
export async function everything(ledger: Ledger, kinds: readonly Kind[]) {
  const rooms = ledger.read as ReadRooms & Record<Kind, { find(where: object): Promise<unknown> }>
  const rows = await Promise.all(kinds.map(async (kind) => [kind, await rooms[kind].find({})]))
  const events = await ledger.read.events.after(0, null, 1000)
  return { ...Object.fromEntries(rows), events, newest: await ledger.read.events.newest() }
}
