/**
 * A snapshot. The user sees `creating`, then `ready`; a running guest sees its disks held still
 * for a few milliseconds, all at one instant. The engine keeps a point of each volume; whatever
 * dies meanwhile, either all points are recorded or the snapshot ends `failed` and holds nothing.
 */
import type { SnapshotId } from "../../domain/ids.ts"
import type { Consistency, SnapshotSource } from "../../domain/snapshot.ts"
import { takeEverywhere, untakeEverywhere, type WantedPoint } from "../points.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"
import { shortenFirst } from "../upkeep.ts"
import { publish, unpublish } from "./publish.ts"
import type { Replacing } from "./replace.ts"

export type SnapshotCreate = {
  snapshotId: SnapshotId
  source: SnapshotSource
  points: readonly WantedPoint[]
  /** Absent: however many there are, all stay. */
  replaces?: Replacing
}

export const snapshotCreate = saga<Tools, SnapshotCreate>("snapshot-create", 1).step<
  "take",
  Consistency
>("take", {
  async do(tools, { points }) {
    await shortenFirst(tools, points)
    const { pauseMs, skewMs } = await takeEverywhere(tools, points)
    return { label: "crash", pauseMs, freezeMs: 0, skewMs, note: null }
  },
  record: (rooms, { output, ...snapshot }) =>
    publish(rooms, { ...snapshot, consistency: output, memoryBytes: null }),
  undo: (tools, { points }) => untakeEverywhere(tools, points),
  unrecord: unpublish,
})
