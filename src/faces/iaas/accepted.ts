/**
 * 202 and a tracker. This API says most refusals there, and not in the answer: its clients show a
 * tracker's message to their users, and lose that of an error. Ill-formed requests, and what is
 * not there or not allowed, are errors all the same.
 */
import type { Asking, Core, RefusedWish, Started } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { type FaultKind, ok, type Result } from "../../domain/fault.ts"
import type { MachineId, SnapshotId, VolumeId } from "../../domain/ids.ts"
import type { Operation } from "../../domain/operation.ts"
import type { Point } from "../../domain/snapshot.ts"
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

/** Things that many of them are about are looked up once, and points all in one question. */
export async function trackersOf(core: Core, who: Principal, operations: readonly Operation[]) {
  const subjects = await subjectsOf(core, who, operations)
  const points = await pointsOf(core, who, operations, subjects)
  return operations.map((each) => renderTracker(each, resourcesOf(each, subjects, points)))
}

/** What an operation was done to: a machine, a block device, or something that is gone. */
type Subjects = ReadonlyMap<string, "machine" | "volume" | undefined>
type Points = ReadonlyMap<string, Point>

async function subjectsOf(
  core: Core,
  who: Principal,
  operations: readonly Operation[],
): Promise<Subjects> {
  const known = new Map<string, "machine" | "volume" | undefined>()
  for (const { subjectId: id } of operations.filter(isOfSnapshot)) {
    if (known.has(id)) continue
    const isMachine = (await core.machines.get(who, id as MachineId)).ok
    const isVolume = !isMachine && (await core.volumes.get(who, id as VolumeId)).ok
    known.set(id, isMachine ? "machine" : isVolume ? "volume" : undefined)
  }
  return known
}

/** By their snapshots: one of a block device has no more than one. */
async function pointsOf(
  core: Core,
  who: Principal,
  operations: readonly Operation[],
  subjects: Subjects,
): Promise<Points> {
  const made = operations.filter((each) => hasSnapshot(each))
  const ofVolumes = made.filter(({ subjectId }) => subjects.get(subjectId) === "volume")
  const snapshotId = ofVolumes.map(({ targetId }) => targetId as SnapshotId)
  if (snapshotId.length === 0) return new Map()
  const listing = { snapshotId, limit: snapshotId.length, allAccounts: who.everywhere }
  const found = await core.snapshots.points(who, listing)
  const points = found.ok ? found.value.map(({ point }) => point) : []
  return new Map(points.map((point) => [point.snapshotId, point]))
}

/**
 * Paths of what an operation is about: the machine or block device first, then what was made of
 * it. Clients take the ids of new things from here.
 */
function resourcesOf(operation: Operation, subjects: Subjects, points: Points): string[] {
  const { targetKind, targetId, subjectId } = operation
  if (targetKind === "machine") return [paths.machine(targetId)]
  if (targetKind === "volume") return [paths.blockDevice(targetId)]
  const subject = subjects.get(subjectId)
  if (subject === "machine") {
    const own = hasSnapshot(operation) ? [paths.machineSnapshot(subjectId, targetId)] : []
    return [paths.machine(subjectId), ...own]
  }
  if (subject === undefined) return []
  const point = hasSnapshot(operation) ? points.get(targetId) : undefined
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
