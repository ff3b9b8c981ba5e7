/**
 * What the service means: everything a face may ask. Verbs check who asks, what is there and what
 * its state allows, write one transaction and answer; work that takes time goes on as an
 * operation. Refusals come back as faults. What belongs to another account is `not-found`.
 */
import type { Writable } from "node:stream"
import type { Principal } from "../domain/account.ts"
import type { Fault, Result } from "../domain/fault.ts"
import type { Finding } from "../domain/finding.ts"
import type {
  ImageId,
  MachineId,
  OperationId,
  PointId,
  SnapshotId,
  VolumeId,
} from "../domain/ids.ts"
import type { Image, ImageFormat } from "../domain/image.ts"
import type { Event, Operation } from "../domain/operation.ts"
import type { Volume } from "../domain/volume.ts"
import type { Page } from "../ledger/ledger.ts"

import type { Identity } from "./identity-verbs.ts"
import type {
  MachineView,
  OperationView,
  PointView,
  SnapshotView,
  Started,
  VolumeDiff,
  VolumeView,
} from "./views.ts"
import type {
  Asking,
  Change,
  ClaimingChange,
  CoverRule,
  Download,
  Listing,
  MachineListing,
  MachineWish,
  PointListing,
  RefusedWish,
  SnapshotListing,
  SnapshotWish,
  Upload,
  VolumeListing,
  VolumeRemoval,
  VolumeWish,
} from "./wishes.ts"

export type * from "./identity-verbs.ts"
export type * from "./views.ts"
export type * from "./wishes.ts"

export interface Core {
  readonly identity: Identity
  readonly images: Images
  readonly machines: Machines
  readonly volumes: Volumes
  readonly snapshots: Snapshots
  readonly operations: Operations
  readonly house: House
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

export type AndThen = "as-before" | "as-kept" | "start" | "stop"

export interface Machines {
  create(asking: Asking, wish: MachineWish): Promise<Result<Started<MachineView>>>
  get(who: Principal, id: MachineId): Promise<Result<MachineView>>
  list(who: Principal, listing: MachineListing): Promise<Result<MachineView[]>>
  count(who: Principal, listing: MachineListing): Promise<Result<number>>
  /** One that was deleted, as it was then, for as long as its operation is on record. */
  deleted(who: Principal, id: MachineId): Promise<Result<MachineView>>
  /** Of the account that asks, those deleted last first. */
  listDeleted(who: Principal, page: { limit: number }): Promise<Result<MachineView[]>>
  change(
    asking: Asking,
    id: MachineId,
    change: Change & { deletionProtected?: boolean },
  ): Promise<Result<MachineView>>
  /** A running machine is switched off for it, and on again; that needs `restart`. */
  resize(
    asking: Asking,
    id: MachineId,
    wish: { memoryMiB?: number; cpus?: number; restart: boolean },
  ): Promise<Result<Started<MachineView>>>
  start(asking: Asking, id: MachineId): Promise<Result<Started<MachineView>>>
  /** `hard`: at once; otherwise the guest is asked first. */
  stop(asking: Asking, id: MachineId, how: { hard: boolean }): Promise<Result<Started<MachineView>>>
  reboot(
    asking: Asking,
    id: MachineId,
    how?: { hard: boolean },
  ): Promise<Result<Started<MachineView>>>
  /** Its root volume and its snapshots go with it; extra volumes are given back. */
  remove(asking: Asking, id: MachineId): Promise<Result<Started<MachineView>>>
  attach(asking: Asking, id: MachineId, volume: VolumeId): Promise<Result<Started<MachineView>>>
  detach(
    asking: Asking,
    id: MachineId,
    volume: VolumeId,
    how?: CoverRule,
  ): Promise<Result<Started<MachineView>>>
  /**
   * Afterwards running or off as before, or always running with `start`, always off with `stop`;
   * with `as-kept` running if the snapshot has memory, and off if not. Where it is still being
   * taken, that is waited for in the queue.
   * `rootOnly`: what else the snapshot kept is left alone, extra volumes and memory; the guest boots
   * if it is to run.
   */
  revert(
    asking: Asking,
    id: MachineId,
    wish: { snapshotId: SnapshotId; then?: AndThen; rootOnly?: boolean },
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
  list(who: Principal, listing: VolumeListing): Promise<Result<Volume[]>>
  count(who: Principal, listing: VolumeListing): Promise<Result<number>>
  change(asking: Asking, id: VolumeId, change: ClaimingChange): Promise<Result<VolumeView>>
  /** Refused with the ids of its snapshots unless `cascade`, which deletes them too. */
  remove(asking: Asking, id: VolumeId, how: VolumeRemoval): Promise<Result<Started<Volume>>>
  /**
   * Makes it larger, for good: going back to a snapshot later leaves it as large. One that a running
   * machine has is `wrong-state`; one that is as large already, or larger, is `size`.
   */
  grow(
    asking: Asking,
    id: VolumeId,
    sizeBytes: number,
    how?: CoverRule,
  ): Promise<Result<Started<Volume>>>
  revert(asking: Asking, id: VolumeId, snapshot: SnapshotId): Promise<Result<Started<Volume>>>
  /** Takes the stream to its end; resolves with the operation ended. */
  importFrom(asking: Asking, id: VolumeId, source: Upload): Promise<Result<Started<Volume>>>
  /** Gives the stream to its end; resolves with the operation ended. */
  exportTo(asking: Asking, id: VolumeId, sink: Download): Promise<Result<Started<Volume>>>
}

export interface Snapshots {
  create(asking: Asking, wish: SnapshotWish): Promise<Result<Started<SnapshotView>>>
  get(who: Principal, id: SnapshotId): Promise<Result<SnapshotView>>
  list(who: Principal, listing: SnapshotListing): Promise<Result<SnapshotView[]>>
  change(asking: Asking, id: SnapshotId, change: ClaimingChange): Promise<Result<SnapshotView>>
  point(who: Principal, id: PointId): Promise<Result<PointView>>
  /** A page at a time, without the bytes they hold: fast however many there are. */
  points(who: Principal, listing: PointListing): Promise<Result<PointView[]>>
  countPoints(who: Principal, listing: PointListing): Promise<Result<number>>
  /** Removes one volume's part; with the last one the snapshot goes. */
  removePoint(asking: Asking, id: PointId): Promise<Result<Started<PointView>>>
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
    listing: Page & {
      targetId?: string
      subjectId?: string
      unendedOnly?: boolean
      allAccounts?: boolean
      /** Those that were dismissed are left out. */
      undismissedOnly?: boolean
    },
  ): Promise<Result<Operation[]>>
  /** Nobody wants to see it any more; its work goes on. */
  dismiss(asking: Asking, id: OperationId): Promise<Result<null>>
  /**
   * Gives it up: it is undone, at once or when its turn comes. `wrong-state` once it has ended, or
   * can no longer be taken back.
   */
  cancel(asking: Asking, id: OperationId): Promise<Result<OperationView>>
  /**
   * Puts a refusal on record, as an operation that ended `undone` with it. For APIs that say such
   * things afterwards.
   */
  refused(asking: Asking, wish: RefusedWish, fault: Fault): Promise<Result<Operation>>
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
