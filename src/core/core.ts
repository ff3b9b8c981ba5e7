/**
 * What the service means: everything a face may ask. Verbs check who asks, what is there and what
 * its state allows, write one transaction and answer; work that takes time goes on as an
 * operation. Refusals come back as faults. What belongs to another account is `not-found`.
 */
import type { Writable } from "node:stream"
import type { Account, Principal, Quota, Role, SshKey } from "../domain/account.ts"
import type { Result } from "../domain/fault.ts"
import type { Finding } from "../domain/finding.ts"
import type {
  AccountId,
  ImageId,
  MachineId,
  OperationId,
  PointId,
  SnapshotId,
  UserId,
  VolumeId,
} from "../domain/ids.ts"
import type { Image, ImageFormat } from "../domain/image.ts"
import type { Machine, MachineKind } from "../domain/machine.ts"
import type { Event, LogEntry, Operation } from "../domain/operation.ts"
import type { Point, Snapshot, SnapshotBytes, SnapshotSource } from "../domain/snapshot.ts"
import type { Volume } from "../domain/volume.ts"
import type { ByteSink, ByteSource, Change } from "../engines/engine.ts"
import type { Page } from "../ledger/ledger.ts"

/** Who asks; with `repeat`, a request sent again under the same key is answered, not redone. */
export type Asking = { who: Principal; repeat?: { key: string; requestHash: string } }

/** What was accepted: the thing as it is now, and the operation that brings it to its end. */
export type Started<T> = {
  resource: T
  operation: Operation
  /** True when this answers a request sent again, and nothing new was begun. */
  replayed?: boolean
}

/** Where bytes come from; `diskBytes` is the size of the disk they make, where it is known. */
export type Upload = ByteSource & { diskBytes?: number | null }

/** Where bytes go; `accepted` is told of the operation before `open` is called. */
export type Download = ByteSink & { accepted?(operation: Operation): void }

/** Rules in which faces differ, checked when something is made through a face. Data, not code. */
export type NameRule = { pattern?: RegExp; unique?: boolean; what?: string }

/** `physicalBytes`, on disk, where one thing is looked at; lists leave it out. */
export type VolumeView = Volume & { physicalBytes?: number }
export type MachineView = Machine & { disks: VolumeView[] }
export type SnapshotView = Snapshot & {
  points: Point[]
  bytes: SnapshotBytes
  /** Its source's head stands on it: where "you are" in the tree. */
  current: boolean
}
/** How a volume differs; a `fromPointId` of null is a disk on which nothing was ever written. */
export type VolumeDiff = Pick<Point, "volumeId" | "sizeBytes"> & {
  fromPointId: PointId | null
  toPointId: PointId
  changes: readonly Change[]
}
export type OperationView = Operation & { log: LogEntry[] }

export type MachineWish = {
  name: string
  nameRule?: NameRule
  imageId: ImageId
  kind?: MachineKind
  memoryMiB?: number
  cpus?: number
  /** Default: the image's own size. */
  diskSizeBytes?: number
  /** Extra volumes, attached in this order. */
  volumeIds?: readonly VolumeId[]
}
export type VolumeWish = { name: string } & (
  | { sizeBytes: number }
  | { snapshotId: SnapshotId; sizeBytes?: number }
)
export type SnapshotWish = {
  name: string
  nameRule?: NameRule
  source: SnapshotSource
  memory?: boolean
  quiesce?: boolean
}
/** `allAccounts` is the administrator's; others are `forbidden`. */
export type Listing = Page & { name?: string; allAccounts?: boolean }

export interface Core {
  readonly identity: Identity
  readonly images: Images
  readonly machines: Machines
  readonly volumes: Volumes
  readonly snapshots: Snapshots
  readonly operations: Operations
  readonly house: House
}

/** Shown once, when made; only hashes are kept, so the answer to a repeat has null for each. */
export type Credentials = {
  account: Account
  userId: UserId
  name: string
  role: Role
  password: string | null
  apiKey: string | null
  refreshToken: string | null
  token: string | null
}

/** `quota` is the one in force, the account's own or the service's; what it leaves out is free. */
export type AccountUsage = { account: Account; used: Required<Quota>; quota: Quota }

export interface Identity {
  /** An unknown, expired or revoked token is `unauthenticated`, all in the same words and time. */
  byToken(token: string): Promise<Result<Principal>>
  byPassword(userName: string, password: string): Promise<Result<Principal>>
  /** The administrator acts for an account; `ref` is a login, a tenant id or an account number. */
  actFor(who: Principal, ref: string): Promise<Result<Principal>>
  account(id: AccountId): Promise<Account | undefined>
  createAccount(
    asking: Asking,
    wish: { login: string; password?: string; apiKey?: string },
  ): Promise<Result<Credentials>>
  createUser(
    asking: Asking,
    wish: { name: string; account: string; password?: string; role?: Role },
  ): Promise<Result<Credentials>>
  listAccounts(who: Principal, page: Page): Promise<Result<Account[]>>
  /** Null: the service's own quota counts again. `ref` as in `actFor`. */
  setQuota(asking: Asking, ref: string, quota: Quota | null): Promise<Result<Account>>
  /** Of the account that asks, or is acted for. */
  usage(who: Principal): Promise<Result<AccountUsage>>
  addKey(asking: Asking, wish: { publicKey: string; name?: string }): Promise<Result<SshKey>>
  listKeys(who: Principal): Promise<Result<SshKey[]>>
}

export interface Images {
  /** Builds, or finds, the demo image: public, the same id everywhere. */
  buildDemo(asking: Asking): Promise<Result<Started<Image>>>
  /** Takes the stream to its end; resolves with the operation ended. */
  importFrom(
    asking: Asking,
    wish: { name: string; format: ImageFormat; source: Upload },
  ): Promise<Result<Started<Image>>>
  get(who: Principal, id: ImageId): Promise<Result<Image>>
  /** The account's own and the public ones. */
  list(who: Principal, listing: Listing): Promise<Result<Image[]>>
  remove(asking: Asking, id: ImageId): Promise<Result<Started<Image>>>
}

export interface Machines {
  create(asking: Asking, wish: MachineWish): Promise<Result<Started<MachineView>>>
  get(who: Principal, id: MachineId): Promise<Result<MachineView>>
  list(who: Principal, listing: Listing): Promise<Result<MachineView[]>>
  start(asking: Asking, id: MachineId): Promise<Result<Started<MachineView>>>
  /** `hard`: at once; otherwise the guest is asked first. */
  stop(asking: Asking, id: MachineId, how: { hard: boolean }): Promise<Result<Started<MachineView>>>
  reboot(asking: Asking, id: MachineId): Promise<Result<Started<MachineView>>>
  /** Its root volume and its snapshots go with it; extra volumes are given back. */
  remove(asking: Asking, id: MachineId): Promise<Result<Started<MachineView>>>
  attach(asking: Asking, id: MachineId, volume: VolumeId): Promise<Result<Started<MachineView>>>
  detach(asking: Asking, id: MachineId, volume: VolumeId): Promise<Result<Started<MachineView>>>
  /** Afterwards running or off as before, or always running with `start`, always off with `stop`. */
  revert(
    asking: Asking,
    id: MachineId,
    wish: { snapshotId: SnapshotId; then?: "as-before" | "start" | "stop" },
  ): Promise<Result<Started<MachineView>>>
  exec(
    asking: Asking,
    id: MachineId,
    wish: { argv: readonly string[]; timeoutMs?: number },
  ): Promise<Result<{ exitCode: number; stdout: Buffer; stderr: Buffer; truncated: boolean }>>
  console(who: Principal, id: MachineId, lastBytes: number): Promise<Result<Buffer>>
}

export interface Volumes {
  create(asking: Asking, wish: VolumeWish): Promise<Result<Started<Volume>>>
  get(who: Principal, id: VolumeId): Promise<Result<VolumeView>>
  list(who: Principal, listing: Listing): Promise<Result<Volume[]>>
  /** Refused with the ids of its snapshots unless `cascade`, which deletes them too. */
  remove(asking: Asking, id: VolumeId, how: { cascade: boolean }): Promise<Result<Started<Volume>>>
  revert(asking: Asking, id: VolumeId, snapshot: SnapshotId): Promise<Result<Started<Volume>>>
  /** Takes the stream to its end; resolves with the operation ended. */
  importFrom(asking: Asking, id: VolumeId, source: Upload): Promise<Result<Started<Volume>>>
  /** Gives the stream to its end; resolves with the operation ended. */
  exportTo(asking: Asking, id: VolumeId, sink: Download): Promise<Result<Started<Volume>>>
}

export interface Snapshots {
  create(asking: Asking, wish: SnapshotWish): Promise<Result<Started<SnapshotView>>>
  get(who: Principal, id: SnapshotId): Promise<Result<SnapshotView>>
  list(
    who: Principal,
    listing: Listing & { source?: SnapshotSource },
  ): Promise<Result<SnapshotView[]>>
  /** Gone from every list when this resolves; its bytes go in the background. */
  remove(asking: Asking, id: SnapshotId): Promise<Result<Started<SnapshotView>>>
  /** `volume` chooses among the points of a machine's snapshot; default: its root volume's. */
  exportTo(
    asking: Asking,
    wish: { id: SnapshotId; volume?: VolumeId; sink: Download },
  ): Promise<Result<Started<SnapshotView>>>
  /**
   * What became different on the way from one to the other (null: from nothing), for each volume
   * that both cover. Of different volumes only those are compared that have an origin in common;
   * where nothing is, it is `invalid`. A `volume` that only `to` covers came from nothing.
   */
  changes(
    who: Principal,
    wish: { from: SnapshotId | null; to: SnapshotId; volume?: VolumeId },
  ): Promise<Result<VolumeDiff[]>>
  /** Bytes on disk that deleting all of these together would give back. */
  freed(who: Principal, ids: readonly SnapshotId[]): Promise<Result<number>>
}

export interface Operations {
  get(who: Principal, id: OperationId): Promise<Result<OperationView>>
  list(
    who: Principal,
    listing: Page & { targetId?: string; unendedOnly?: boolean; allAccounts?: boolean },
  ): Promise<Result<Operation[]>>
  /**
   * Gives it up: it is undone, at once or when its turn comes. `wrong-state` once it has ended, or
   * can no longer be taken back.
   */
  cancel(asking: Asking, id: OperationId): Promise<Result<OperationView>>
  /** Resolves when it has ended or the time is up, whichever is first, with what it is then. */
  wait(who: Principal, id: OperationId, withinMs: number): Promise<Result<OperationView>>
}

export interface House {
  /** Events after `id`, oldest first; waits up to `withinMs` for the first. */
  events(who: Principal, after: number, limit: number, withinMs: number): Promise<Result<Event[]>>
  newestEvent(): Promise<number>
  /** `ready` is false only when the ledger does not work; the rest are details. */
  readiness(): Promise<{ ready: boolean; details: Record<string, string> }>
  doctor(who: Principal, how: { fix: boolean; rebuild: boolean }): Promise<Result<Finding[]>>
  /** A consistent copy of the ledger, as a stream of bytes into the sink. */
  backup(who: Principal, sink: Writable): Promise<Result<null>>
  metrics(): Promise<string>
}
