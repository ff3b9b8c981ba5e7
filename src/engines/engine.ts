/**
 * The contract of a storage engine: a place where bytes live and points in time can be kept.
 *
 * A **head** is the writable tip of a volume, a **point** what the engine keeps of one volume at
 * one instant. How it keeps them (layers, native snapshots) is nobody's business but its own; it
 * remembers that in an `EngineMemory` that the ledger lends it.
 *
 * Every verb may be called twice, also after a crash in its middle, and looks first whether its
 * effect is there already. A verb that resolves promises that its effect survives a power cut.
 * A verb that cannot keep its promise throws: a `Refusal` if a person can do something about it.
 */
import type { Readable } from "node:stream"
import type { DiskGraph, DiskSwitch, Restack } from "../domain/disk.ts"
import type { EngineMemory } from "../domain/engine-memory.ts"
import type { Finding } from "../domain/finding.ts"
import type { PointId, VolumeId } from "../domain/ids.ts"
import type { ServiceUser } from "../platform/process.ts"

/** Differences are data; nobody asks an engine's name. */
export type EngineAbilities = {
  /** A running guest's disk is switched by QEMU itself, without stopping the guest. */
  switchWhileRunning: boolean
}

/** Where a head starts from. Larger than its point reads as zeros beyond it; never smaller. */
export type Origin = { sizeBytes: number; point?: PointId }

export interface Engine {
  readonly can: EngineAbilities

  // ---- heads -----------------------------------------------------------------------------
  createHead(volume: VolumeId, origin: Origin): Promise<void>
  /**
   * The head becomes this large and reads as zeros beyond its old end; its points stay as they
   * are. Only for a volume that no process has open; applies the recovery rule to one whose opener
   * died. The size it has is success, a smaller one is refused with `size`.
   */
  growHead(volume: VolumeId, sizeBytes: number): Promise<void>
  /** How large the head is; null where there is none. */
  sizeOf(volume: VolumeId): Promise<number | null>
  /** Dropping what is not there is success. The points of the volume live on. */
  dropHead(volume: VolumeId): Promise<void>
  /**
   * The volume's head stands on `to` afresh, as large as it is; what it held before is kept as the
   * point `keep`.
   */
  revertHead(volume: VolumeId, to: PointId, keep: PointId): Promise<void>
  /** Takes a revert back: the head, as large as it is, is what `keep` kept, and `keep` is gone. */
  unrevertHead(volume: VolumeId, keep: PointId): Promise<void>

  // ---- points ----------------------------------------------------------------------------
  /**
   * Keeps the head's present content as `point`. Only for a volume that no process has open
   * (for one that has, see `arm`); applies the recovery rule to one whose opener died.
   */
  createPoint(volume: VolumeId, point: PointId): Promise<void>
  /** Heads and points made from it live on; its bytes go when nothing needs them any more. */
  dropPoint(point: PointId): Promise<void>
  hasPoint(point: PointId): Promise<boolean>

  // ---- while a process has the volume open ------------------------------------------------
  /**
   * The graph of block nodes a process opens to use this volume. The caller vouches that no
   * process has it open: whoever had it is proven dead, and the recovery rule is applied first.
   * Nothing the graph names goes away until it is disposed of, once the process has it open.
   */
  open(volume: VolumeId): Promise<DiskGraph & Disposable>
  /** Makes the next overlay, durably, and says how to switch an open disk onto it. */
  arm(volume: VolumeId): Promise<DiskSwitch>
  /**
   * Records that the open disks of these volumes were switched, all in one ledger transaction:
   * what each head held is now the given point (`null`: kept, but nameless).
   */
  switched(volumes: readonly { volume: VolumeId; point: PointId | null }[]): Promise<void>

  // ---- bytes -----------------------------------------------------------------------------
  /**
   * Replaces the content of a closed volume by that of a stream, all or nothing: until it
   * resolves the old content stands. What lies beyond the stream's end reads as zeros.
   * Throws `size` when the stream holds more than the volume, `bad-image` when it may not be
   * trusted, `interrupted` when it ends early. Points taken before are untouched.
   */
  write(volume: VolumeId, source: ByteSource, watch: Watch): Promise<void>
  /** How large a disk the stream makes, where its first bytes tell; they stay in the stream. */
  diskBytes(source: ByteSource): Promise<number | null>
  /** The content of a point, or of a closed volume's head. Resolves when all is with the sink. */
  read(of: { volume: VolumeId } | { point: PointId }, sink: ByteSink, watch: Watch): Promise<void>
  /**
   * What each of these points holds on disk: alone, together with others, and what dropping it
   * would free now. Points that are not there are left out. Asked for a page at a time.
   */
  space(points: readonly PointId[]): Promise<Map<PointId, Space>>
  /** What dropping all of these points together would free: more than each alone, often. */
  freed(points: readonly PointId[]): Promise<number>
  /** Bytes on disk, each charged to one volume: the one that wrote it, or one that still reads it. */
  usage(): Promise<Map<VolumeId, number>>
  /**
   * Where `to` may differ from `from` (null: from nothing), in order and without overlap: what was
   * written on the way from one to the other. Where both sides of a branch hold something, only
   * where their bytes differ. Throws `not-found` for a point that is not there.
   */
  changes(from: PointId | null, to: PointId): Promise<Change[]>
  /** Whether two points have anything in common that was written once and is read by both. */
  related(one: PointId, other: PointId): Promise<boolean>

  // ---- upkeep ------------------------------------------------------------------------------
  /**
   * Work that keeps reads short and gives space back, which nobody asked for. None of it changes
   * what anyone reads. Begun work comes first, under the id it had. A storage that looks after
   * itself has none. With a volume: what must be done before it can take another point.
   */
  upkeep(pressing?: VolumeId): Promise<Upkeep[]>
  /** The long part, beside everything that is in use. Goes on where a crash left it. */
  prepare(work: Upkeep["id"], watch: Watch): Promise<void>
  /**
   * The short part, in one commit: from here on whoever opens a volume gets the new. Says how
   * those come along that have it open; null when nobody can have it, or the work is pointless by
   * now and was given up.
   */
  commit(work: Upkeep["id"]): Promise<Restack | null>
  /** Everybody has moved: what was replaced goes. */
  finish(work: Upkeep["id"]): Promise<void>
  /** Gives up work that is not committed, and what it made. */
  abandon(work: Upkeep["id"]): Promise<void>

  // ---- house-keeping ---------------------------------------------------------------------
  /** Everything it holds, for comparing with what the ledger says it should. */
  holdings(): Promise<{ volumes: VolumeId[]; points: PointId[] }>
  /** For a memory that lost everything: records what lies on disk, as volumes and their points. */
  salvage(): Promise<Salvage>
  /** Once at start, before any other verb: finishes removals, sweeps what a crash left over. */
  recover(): Promise<void>
  /** Everything that is not as the memory says, in words; empty when all is well. */
  examine(): Promise<Finding[]>
  close(): Promise<void>
}

export type Salvage = {
  volumes: { id: VolumeId; sizeBytes: number }[]
  /** `parent` is the point below, of this volume or of the one it was cloned from. */
  points: { id: PointId; volume: VolumeId; parent: PointId | null; sizeBytes: number }[]
}

/** `zero`: it reads as zeros now, and holds no bytes to copy. */
export type Change = { offset: number; length: number; zero: boolean }

export type Upkeep = {
  /** The engine's own name for it; the same after a restart. */
  id: string
  /** Whose path it shortens: one of those, where there are several. */
  volume: VolumeId
  /** In words, for people. */
  what: string
  /** To be copied, at most. */
  bytes: number
}

export type Space = { exclusive: number; shared: number; freedIfDeleted: number }

export type Watch = {
  /** Bytes done out of bytes in all (0 when unknown). Called often; the receiver throttles. */
  progress(doneBytes: number, totalBytes: number): void
  signal: AbortSignal
}

/**
 * `raw` is the plain bytes. `sparse` is raw with its holes left out (see `domain/sparse.ts`).
 * `qcow2` is a file in QEMU's format; it must not name any other file.
 */
export type StreamFormat = "raw" | "sparse" | "qcow2"
export type ByteSource = {
  format: StreamFormat
  stream: Readable
  lengthBytes: number | null
  /** Where the length is not known: the stream is refused (`size`) when it has more than this. */
  mostBytes?: number
}
export type ByteSink = {
  format: StreamFormat
  /** Called once, before the first byte, with the stream's length where it is known. */
  open(lengthBytes: number | null): NodeJS.WritableStream
}

/**
 * An engine as its registry opens it: once per process, shared by all operations. `with` gives
 * its verbs over one memory; an operation's memory refuses writes once its claim is lost.
 */
export interface EngineHouse {
  with(memory: EngineMemory): Engine
}

/** What every engine is opened with. Paths given to a host are relative to `dataDir`. */
export type EngineConfig = {
  dataDir: string
  /** Who runs QEMU's processes, and so must be able to read and write what they open. */
  user: ServiceUser | null
  upkeep?: UpkeepLimits
}

/** How hard an engine works on itself; what is not given is the engine's to choose. */
export type UpkeepLimits = {
  /** Layers below a head beyond which it shortens the path, and beyond which it must. */
  softDepth?: number
  hardDepth?: number
  /** So that guests do not feel it. */
  bytesPerSecond?: number
}
