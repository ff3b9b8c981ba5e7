/**
 * The contract of the ledger: what we remember. Rows are the domain's nouns; each kind has a
 * room. Every write happens in a transaction that is durable when it resolves; transactions are
 * short and never wait for anything outside the ledger. Lists are keyset-paged by id.
 */
import type { Account, AppCredentialRow, SshKey, Token, UserRow } from "../domain/account.ts"
import type { EngineMemory } from "../domain/engine-memory.ts"
import type { AccountId, OperationId, SnapshotId } from "../domain/ids.ts"
import type { Image } from "../domain/image.ts"
import type { Machine } from "../domain/machine.ts"
import type { Event, LogEntry, Operation } from "../domain/operation.ts"
import type { Point, Snapshot } from "../domain/snapshot.ts"
import type { Volume } from "../domain/volume.ts"

/** Equality filters over a row's own fields; a list of values means any of them. */
export type Where<T> = { [K in keyof T]?: T[K] | readonly T[K][] }
export type NumberField<T> = {
  [K in keyof T]-?: T[K] extends number | null ? K : never
}[keyof T] &
  string
/** `offset`: so many of them are passed over; for clients that page by number. */
export type Page = {
  limit: number
  after?: string
  offset?: number
  order?: "oldest-first" | "newest-first"
}

export interface Room<T extends { id: string }> {
  get(id: string): Promise<T | undefined>
  find(where: Where<T>, page?: Page): Promise<T[]>
  count(where: Where<T>): Promise<number>
  /** Of a field that is never negative; null counts as nothing. */
  sum(field: NumberField<T>, where: Where<T>): Promise<number>
  add(row: T): Promise<void>
  /** Changing what is not there throws: it is a bug of the caller's. */
  change(id: string, patch: Partial<T>): Promise<void>
  /** Removing what is not there is success. */
  remove(id: string): Promise<void>
}

export interface OperationRoom extends Room<Operation> {
  /** Files it in the queue of each resource that it holds; see `claim`. */
  enqueue(operation: Operation, holds: readonly string[]): Promise<void>
  log(id: OperationId): Promise<LogEntry[]>
  append(id: OperationId, entry: LogEntry): Promise<void>
  /**
   * Its holds, or these of them, are given up; those that waited behind may be claimed. Resolves
   * with what it held.
   */
  release(id: OperationId, resources?: readonly string[]): Promise<string[]>
  /** Operations not ended, or stuck, that hold this resource, first in the queue first. */
  holding(resource: string): Promise<Operation[]>
  /** The first in the queue of each of these resources; those that nobody holds are left out. */
  firstHolding(resources: readonly string[]): Promise<Map<string, Operation>>
  /** Forgets operations that ended before, done or undone, and their logs: at most so many. */
  forgetEnded(beforeMs: number, atMost: number): Promise<number>
}

/** A point together with the snapshot that it is a part of. */
export type PointRow = { point: Point; snapshot: Snapshot }
export type PointsWhere = { point?: Where<Point>; snapshot?: Where<Snapshot> }
/** `volume`: what is said of the volumes that they are points of. */
export type PointsCounted = PointsWhere & { volume?: Where<Volume> }

export interface PointRoom extends Room<Point> {
  /** Paged by the points' own ids; points of snapshots that are not there are left out. */
  page(where: PointsWhere, page: Page): Promise<PointRow[]>
  countIn(where: PointsCounted): Promise<number>
}

export interface TokenRoom extends Room<Token> {
  byHash(hash: string): Promise<Token | undefined>
  /** Forgets those that expired before. */
  forgetExpired(beforeMs: number): Promise<void>
}

export interface EventRoom {
  add(event: Omit<Event, "id">): Promise<void>
  /** Oldest first; `accountId` null is for the administrator and sees all. */
  after(id: number, accountId: AccountId | null, limit: number): Promise<Event[]>
  newest(): Promise<number>
  /** Forgets all but the newest `keep`. */
  trim(keep: number): Promise<void>
}

/** A repeated POST under the same key is the same operation. */
export type Repeat = { requestHash: string; status: number; body: unknown; createdAt: number }
export interface RepeatRoom {
  get(userId: string, key: string): Promise<Repeat | undefined>
  add(userId: string, key: string, repeat: Repeat): Promise<void>
  forgetBefore(epochMs: number): Promise<void>
}

export interface Rooms {
  readonly accounts: Room<Account>
  readonly users: Room<UserRow>
  readonly tokens: TokenRoom
  readonly keys: Room<SshKey>
  readonly appCredentials: Room<AppCredentialRow>
  readonly images: Room<Image>
  readonly volumes: Room<Volume>
  readonly machines: Room<Machine>
  readonly snapshots: Room<Snapshot>
  readonly points: PointRoom
  readonly operations: OperationRoom
  readonly events: EventRoom
  readonly repeats: RepeatRoom
  /**
   * The snapshot a source's head stands on: the newest taken of it, or the one it was last
   * reverted to. Null for one never snapshotted.
   */
  readonly standing: StandingRoom
}

export interface StandingRoom {
  get(sourceId: string): Promise<SnapshotId | null>
  /** Of those that stand somewhere. */
  among(sourceIds: readonly string[]): Promise<Map<string, SnapshotId>>
  set(sourceId: string, snapshot: SnapshotId | null): Promise<void>
  /** Every source standing on `from` stands on `to` instead: `from` is going away. */
  move(from: SnapshotId, to: SnapshotId | null): Promise<void>
}

/** What a worker holds while it works on an operation. */
export type Claim = { operation: Operation; log: LogEntry[] }

/** Thrown by any write under a claim that was lost: somebody else goes on with the operation. */
export class ClaimLost extends Error {
  constructor(id: OperationId) {
    super(`the claim on operation ${id} is lost`)
    this.name = "ClaimLost"
  }
}

export interface Ledger {
  /** Reads see the newest committed state. */
  readonly read: ReadRooms
  transaction<T>(work: (rooms: Rooms) => Promise<T>): Promise<T>
  /** A transaction that throws `ClaimLost`, and changes nothing, unless the fence still stands. */
  fenced<T>(id: OperationId, fence: number, work: (rooms: Rooms) => Promise<T>): Promise<T>
  /**
   * Takes the oldest operation of this node that may run: queued or left by a dead worker, and
   * first in the queue of everything that it holds, stuck ones before it included. Raises its
   * fence and starts its lease. `except`: those that this worker has under way, however late.
   */
  claim(
    node: string,
    nowMs: number,
    leaseMs: number,
    except?: readonly OperationId[],
  ): Promise<Claim | undefined>
  /** The same for those of these that are queued: what others wait for is not looked at. */
  claimThese(
    ids: readonly OperationId[],
    node: string,
    nowMs: number,
    leaseMs: number,
  ): Promise<Claim[]>
  renew(id: OperationId, fence: number, leaseUntil: number): Promise<void>
  /** At start, with the state directory locked: every lease of this node has lost its owner. */
  expireLeases(node: string): Promise<void>
  /** The memory of one engine; with a claim, its writes are fenced. */
  engineMemory(engine: string, claim?: { id: OperationId; fence: number }): EngineMemory
  /** Called after a commit that added events, with those. */
  onEvents(listener: (events: readonly Event[]) => void): () => void
  setting(key: string): Promise<string | undefined>
  set(key: string, value: string): Promise<void>
  /** A consistent copy of everything, made while work goes on. */
  backup(file: string): Promise<void>
  /** What the database itself says of its integrity; empty when all is well. */
  examine(): Promise<string[]>
  close(): Promise<void>
}

type Readable =
  | ("get" | "find" | "count" | "sum" | "log" | "holding" | "firstHolding" | "after" | "newest")
  | ("page" | "countIn" | "among" | "byHash")
/** Reads outside a transaction: the same rooms without their writing verbs. */
type Reading<R> = Pick<R, Extract<keyof R, Readable>>
export type ReadRooms = { readonly [K in keyof Rooms]: Reading<Rooms[K]> }
