/** A rig is one engine with a place of its own, and what the stories need around it. */
import type { DiskGraph, DiskSwitch, Restack } from "../domain/disk.ts"
import type { VolumeId } from "../domain/ids.ts"
import type { Engine, StreamFormat, UpkeepLimits } from "./engine.ts"

export type Rig = {
  readonly engine: Engine
  readonly formats: readonly StreamFormat[]
  /** The smallest piece of a disk that the engine keeps apart from its neighbours. */
  readonly granuleBytes: number
  /** The server is gone without a word, and light is back: the next one starts on what it left, and recovers. */
  restart(): Promise<void>
  /** The processes that have disks open do not outlive it: the power failed. */
  readonly restartEndsOpeners: boolean
  /** Another engine over the same bytes and records, that knows of them what it finds there. */
  another(): Promise<Engine>
  /** As `restart`, and from here on it works on itself within these limits. */
  limit(upkeep: UpkeepLimits): Promise<void>
  /**
   * The light goes out with the n-th commit from now on, just before it or just after. With the
   * power, all that was committed for later is lost as well.
   */
  failCommits(when: LightOut, nth: number): void
  /**
   * Somebody else does this just before the n-th transaction from now, in the midst of whatever
   * verb that is. Ends with asking whether it came to it.
   */
  meanwhile(nth: number, first: () => Promise<unknown>): () => boolean
  /** A process opens these disks, as a machine does, and then the graphs are disposed of. */
  opener(graphs: readonly (DiskGraph & Partial<Disposable>)[]): Promise<Opener>
  /** All that the engine's content takes, as a disk counts it. */
  bytesOnDisk(): Promise<number>
  /** Everything that still takes room, records and bytes; empty once all is dropped. */
  leftovers(): Promise<string[]>
  end(): Promise<void>
}

export type LightOut = "before" | "after" | "with the power"

export interface Opener {
  /** Acknowledged and flushed when it resolves. */
  write(volume: VolumeId, offset: number, bytes: Uint8Array): Promise<void>
  /**
   * Reads as zeros from here on, and holds no bytes where the engine can do without. What is
   * discarded must be whole granules.
   */
  zero(volume: VolumeId, run: { offset: number; length: number }, how: Zeroing): Promise<void>
  read(volume: VolumeId, offset: number, length: number): Promise<Buffer>
  /** All disks at once. */
  switchDisks(switches: readonly DiskSwitch[]): Promise<void>
  /** As a host does it for a machine that runs. */
  restack(restack: Restack): Promise<void>
  /** What it has open that is not there any more. */
  strays(): Promise<string[]>
  /** As `kill -9` does. */
  kill(): Promise<void>
  close(): Promise<void>
}

export type Zeroing = "write zeroes" | "discard"
