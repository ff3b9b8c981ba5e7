/**
 * 202 and a tracker. This API says most refusals there, and not in the answer: its clients show a
 * tracker's message to their users, and lose that of an error. Ill-formed requests, and what is
 * not there or not allowed, are errors all the same.
 */
import type { Asking, Core, PointView, RefusedWish, Started } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { type FaultKind, ok, type Result } from "../../domain/fault.ts"
import type { MachineId, SnapshotId, VolumeId } from "../../domain/ids.ts"
import type { Operation } from "../../domain/operation.ts"
import type { Answer } from "../face.ts"
import { renderTracker } from "./wire/tracker.ts"
import { paths } from "./wire/words.ts"

export const toldAfterwards = [
  "wrong-state",
  "in-use",
  "size",
  "quota",
  "no-space",
  "unsupported",
  "unavailable",
] as const satisfies readonly FaultKind[]

/** `wish`: what was asked for, for the record of it being refused. */
export async function accepted(
  core: Core,
  asking: Asking,
  wish: RefusedWish,
  started: Result<Started<unknown>>,
  status = 202,
): Promise<Result<Answer>> {
  const operation = await operationOf(core, asking, wish, started)
  if (!operation.ok) return operation
  return ok({ status, body: await trackerOf(core, asking.who, operation.value) })
}

async function operationOf(
  core: Core,
  asking: Asking,
  wish: RefusedWish,
  started: Result<Started<unknown>>,
): Promise<Result<Operation>> {
  if (started.ok) return ok(started.value.operation)
  const kinds: readonly FaultKind[] = toldAfterwards
  if (!kinds.includes(started.fault.kind)) return started
  return await core.operations.refused(asking, wish, started.fault)
}

async function trackerOf(core: Core, who: Principal, operation: Operation) {
  const [tracker] = await trackersOf(core, who, [operation])
  return tracker ?? renderTracker(operation, [])
}

/** Points in one question for all; what is only to be had one by one, once. */
export async function trackersOf(core: Core, who: Principal, operations: readonly Operation[]) {
  const views = await viewsOf(core, who, operations)
  const subjects = await subjectsOf(core, who, operations, views)
  return operations.map((each) => renderTracker(each, resourcesOf(each, subjects, views)))
}

/** What an operation was done to: a machine, a block device, or something that is gone. */
type Subjects = ReadonlyMap<string, "machine" | "volume" | undefined>
/** By their snapshots; of a machine's any will do. */
type Views = ReadonlyMap<string, PointView>

const mostDisks = 16

async function viewsOf(
  core: Core,
  who: Principal,
  operations: readonly Operation[],
): Promise<Views> {
  const snapshotId = operations.filter(hasSnapshot).map(({ targetId }) => targetId as SnapshotId)
  if (snapshotId.length === 0) return new Map()
  const limit = snapshotId.length * mostDisks
  const listing = { snapshotId, limit, allAccounts: who.everywhere }
  const found = await core.snapshots.points(who, listing)
  const views = found.ok ? found.value : []
  return new Map(views.map((view) => [view.snapshot.id, view]))
}

/** A snapshot that is there says it; only where it is gone its source is looked up. */
async function subjectsOf(
  core: Core,
  who: Principal,
  operations: readonly Operation[],
  views: Views,
): Promise<Subjects> {
  const known = new Map<string, "machine" | "volume" | undefined>()
  for (const { snapshot } of views.values()) known.set(snapshot.sourceId, snapshot.sourceKind)
  for (const { subjectId: id } of operations.filter(isOfSnapshot)) {
    if (known.has(id)) continue
    const isMachine = (await core.machines.get(who, id as MachineId)).ok
    const isVolume = !isMachine && (await core.volumes.get(who, id as VolumeId)).ok
    known.set(id, isMachine ? "machine" : isVolume ? "volume" : undefined)
  }
  return known
}

/**
 * Paths of what an operation is about: the machine or block device first, then what was made of
 * it. Clients take the ids of new things from here.
 */
function resourcesOf(operation: Operation, subjects: Subjects, views: Views): string[] {
  const { targetKind, targetId, subjectId } = operation
  if (targetKind === "machine") return [paths.machine(targetId)]
  if (targetKind === "volume") return [paths.blockDevice(targetId)]
  const subject = subjects.get(subjectId)
  if (subject === "machine") {
    const own = hasSnapshot(operation) ? [paths.machineSnapshot(subjectId, targetId)] : []
    return [paths.machine(subjectId), ...own]
  }
  if (subject === undefined) return []
  const point = hasSnapshot(operation) ? views.get(targetId)?.point : undefined
  const own = point === undefined ? [] : [paths.diskSnapshot(point.volumeId, point.id)]
  return [paths.blockDevice(subjectId), ...own]
}

const isOfSnapshot = ({ targetKind }: Operation) =>
  targetKind === "snapshot" || targetKind === "point"

/** Where it was deleted, or could not be taken, there is nothing to be found at its path. */
const hasSnapshot = ({ targetKind, kind, state }: Operation) =>
  targetKind === "snapshot" &&
  kind !== "snapshot-delete" &&
  state !== "undone" &&
  state !== "undoing" &&
  state !== "stuck"
