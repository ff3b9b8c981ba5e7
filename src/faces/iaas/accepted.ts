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

export async function trackerOf(
  core: Core,
  who: Principal,
  operation: Operation,
  subjects: Subjects = subjectsOf(core, who),
) {
  return renderTracker(operation, await resourcesOf(core, who, operation, subjects))
}

/** What an operation was done to: a machine, a block device, or something that is gone. */
type Subjects = (id: string) => Promise<"machine" | "volume" | undefined>

/** Each is looked up once, however many operations of a list were done to it. */
export function subjectsOf(core: Core, who: Principal): Subjects {
  const known = new Map<string, ReturnType<Subjects>>()
  const look = async (id: string) => {
    if ((await core.machines.get(who, id as MachineId)).ok) return "machine"
    return (await core.volumes.get(who, id as VolumeId)).ok ? "volume" : undefined
  }
  return (id) => {
    const kind = known.get(id) ?? look(id)
    known.set(id, kind)
    return kind
  }
}

/**
 * Paths of what an operation is about: the machine or block device first, then what was made of
 * it. Clients take the ids of new things from here.
 */
async function resourcesOf(
  core: Core,
  who: Principal,
  operation: Operation,
  subjects: Subjects,
): Promise<string[]> {
  const { targetKind, targetId, subjectId } = operation
  if (targetKind === "machine") return [paths.machine(targetId)]
  if (targetKind === "volume") return [paths.blockDevice(targetId)]
  if (targetKind !== "snapshot" && targetKind !== "point") return []
  const there = targetKind === "snapshot" && hasSnapshot(operation)
  const subject = await subjects(subjectId)
  if (subject === "machine") {
    const own = there ? [paths.machineSnapshot(subjectId, targetId)] : []
    return [paths.machine(subjectId), ...own]
  }
  if (subject === undefined) return []
  const snapshot = there ? await core.snapshots.get(who, targetId as SnapshotId) : null
  const points = snapshot?.ok ? snapshot.value.points : []
  const own = points.map(({ volumeId, id }) => paths.diskSnapshot(volumeId, id))
  return [paths.blockDevice(subjectId), ...own]
}

/** Where it was deleted, or could not be taken, there is nothing to be found at its path. */
const hasSnapshot = ({ kind, state }: Operation) =>
  kind !== "snapshot-delete" && state !== "undone" && state !== "undoing" && state !== "stuck"
