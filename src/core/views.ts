import type { PointId } from "../domain/ids.ts"
import type { Machine } from "../domain/machine.ts"
import type { LogEntry, Operation } from "../domain/operation.ts"
import type { Point, Snapshot, SnapshotBytes } from "../domain/snapshot.ts"
import type { Volume } from "../domain/volume.ts"
import type { Change as ChangedRange } from "../engines/engine.ts"

/** What was accepted: the thing as it is now, and the operation that brings it to its end. */
export type Started<T> = {
  resource: T
  operation: Operation
  /** True when this answers a request sent again, and nothing new was begun. */
  replayed?: boolean
}

/** `physicalBytes`, on disk, where one thing is looked at; lists leave it out. */
export type VolumeView = Volume & { physicalBytes?: number }
/** `work`: the first operation in its queue, where there is one; its state is about to change. */
export type MachineView = Machine & {
  disks: VolumeView[]
  work: Pick<Operation, "id" | "kind" | "progress"> | null
}
export type SnapshotView = Snapshot & {
  points: Point[]
  bytes: SnapshotBytes
  /** Its source's head stands on it: where "you are" in the tree. */
  current: boolean
}
/** One volume's part of a snapshot, for faces that know snapshots of volumes alone. */
export type PointView = {
  point: Point
  snapshot: Snapshot
  /** Of the operation that takes it; 100 once it is ready. */
  progress: number
}
/** How a volume differs; a `fromPointId` of null is a disk on which nothing was ever written. */
export type VolumeDiff = Pick<Point, "volumeId" | "sizeBytes"> & {
  fromPointId: PointId | null
  toPointId: PointId
  changes: readonly ChangedRange[]
}
export type OperationView = Operation & { log: LogEntry[] }
