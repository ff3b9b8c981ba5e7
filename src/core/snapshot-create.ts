/** Taking a snapshot: what is checked, and what is on record from then on. */
import { explain, type Fault, type Result } from "../domain/fault.ts"
import { newId, type OperationId } from "../domain/ids.ts"
import { labelsOf } from "../domain/labels.ts"
import { describeMachine } from "../domain/machine.ts"
import type { Point, Snapshot } from "../domain/snapshot.ts"
import type { Volume } from "../domain/volume.ts"
import { snapshotCapture } from "../operations/snapshot/capture.ts"
import { snapshotCreate } from "../operations/snapshot/create.ts"
import { tell } from "../operations/snapshot/publish.ts"
import { accept, type Plan } from "./accept.ts"
import type { Context } from "./context.ts"
import type { Asking, SnapshotView, SnapshotWish, Started } from "./core.ts"
import { mustBeLabels } from "./labels.ts"
import { mustBeName } from "./names.ts"
import { judge } from "./snapshot-rules.ts"
import { type Covered, coveredBy } from "./snapshot-source.ts"
import { withoutBytes } from "./snapshot-views.ts"

export function createSnapshot(
  context: Context,
  asking: Asking,
  wish: SnapshotWish,
): Promise<Result<Started<SnapshotView>>> {
  return accept(context, asking, {
    saga: asksTheGuest(wish) ? snapshotCapture : snapshotCreate,
    plan: async (rooms, operationId) => {
      const covered = await coveredBy(rooms, asking, wish.source)
      mustBeName(wish.name, wish.nameRule)
      mustBeLabels(wish)
      const { refused, most, reserves } = await judge(rooms, context, wish, covered)
      const snapshot = rowOf(wish, covered, refused, context.clock())
      await rooms.snapshots.add(snapshot)
      if (refused !== null) await tell(rooms, snapshot, "snapshot.failed")
      const points = refused === null ? covered.volumes.map((each) => pointOf(snapshot, each)) : []
      for (const point of points) await rooms.points.add(point)
      const { params, ...order } = orderOf(wish, snapshot, points, operationId)
      const replaces = most === null ? {} : { replaces: { most, by: operationId } }
      const holds = [snapshot.id, ...covered.holds]
      return { ...order, reserves, refused, params: { ...params, ...replaces }, holds }
    },
  })
}

const asksTheGuest = ({ memory, quiesce }: SnapshotWish) => memory === true || quiesce === true

const rowOf = (
  wish: SnapshotWish,
  { accountId, machine, volumes }: Covered,
  refused: Fault | null,
  createdAt: number,
): Snapshot => ({
  id: newId<"snapshot">(createdAt),
  accountId,
  name: wish.name,
  state: refused === null ? "creating" : "failed",
  sourceKind: wish.source.kind,
  sourceId: wish.source.id,
  parentId: null,
  consistency: null,
  machine: machine === null ? null : describeMachine(machine, volumes),
  claim: null,
  memoryBytes: null,
  ...labelsOf(wish),
  recovery: false,
  expiresAt: null,
  reason: refused === null ? null : explain(refused),
  createdAt,
  readyAt: null,
})

const orderOf = (
  wish: SnapshotWish,
  snapshot: Snapshot,
  points: Point[],
  operationId: OperationId,
): Omit<Plan<SnapshotView>, "holds"> & { params: object } => ({
  resource: withoutBytes(snapshot, points),
  accountId: snapshot.accountId,
  target: { kind: "snapshot", id: snapshot.id },
  subject: snapshot.sourceId,
  params: {
    snapshotId: snapshot.id,
    source: wish.source,
    ...(asksTheGuest(wish)
      ? {
          ...{ operationId, machineId: snapshot.sourceId, memory: wish.memory === true },
          ...(wish.sourceRule?.guest === "required" ? { mustRun: true } : {}),
        }
      : {}),
    points: points.map(({ id, volumeId, engine }) => ({ pointId: id, volumeId, engine })),
  },
})

const pointOf = (snapshot: Snapshot, volume: Volume): Point => ({
  id: newId<"point">(snapshot.createdAt),
  accountId: snapshot.accountId,
  snapshotId: snapshot.id,
  volumeId: volume.id,
  engine: volume.engine,
  sizeBytes: volume.sizeBytes,
  role: snapshot.sourceKind === "machine" ? volume.role : "volume",
})
