/** A rig is one engine with a place of its own, and what the stories need around it. */
import type { DiskGraph, DiskSwitch } from "../domain/disk.ts"
import type { VolumeId } from "../domain/ids.ts"
import type { Engine, StreamFormat } from "./engine.ts"

export type Rig = {
  readonly engine: Engine
  readonly formats: readonly StreamFormat[]
  /** The server is gone without a word, and light is back: the next one starts on what it left, and recovers. */
  restart(): Promise<void>
  /** The light goes out with the n-th commit from now on, just before it or just after. */
  failCommits(when: "before" | "after", nth: number): void
  /**
   * Somebody else does this just before the n-th transaction from now, in the midst of whatever
   * verb that is. Ends with asking whether it came to it.
   */
  meanwhile(nth: number, first: () => Promise<unknown>): () => boolean
  /** A process opens these disks, as a machine does. */
  opener(graphs: readonly DiskGraph[]): Promise<Opener>
  /** Everything that still takes room, records and bytes; empty once all is dropped. */
  leftovers(): Promise<string[]>
  end(): Promise<void>
}

export interface Opener {
  /** Acknowledged and flushed when it resolves. */
  write(volume: VolumeId, offset: number, bytes: Uint8Array): Promise<void>
  read(volume: VolumeId, offset: number, length: number): Promise<Buffer>
  /** All disks at once. */
  switchDisks(switches: readonly DiskSwitch[]): Promise<void>
  /** As `kill -9` does. */
  kill(): Promise<void>
  close(): Promise<void>
}
