/** The snapshots of one block device, and which of them it stands on. */
import type { Core, PointView } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { ok, type Result } from "../../domain/fault.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"
import type { SnapshotSource } from "../../domain/snapshot.ts"
import type { Volume } from "../../domain/volume.ts"

const pageSize = 1000

/** Oldest first. */
export async function diskSnapshots(
  core: Core,
  who: Principal,
  volumeId: VolumeId,
): Promise<Result<PointView[]>> {
  const all: PointView[] = []
  for (;;) {
    const after = all.at(-1)?.point.id
    const found = await core.snapshots.points(who, {
      ...{ volumeId, state: ["creating", "ready"], limit: pageSize, order: "oldest-first" },
      // The administrator finds a disk by its id wherever it is, and so what is of it.
      allAccounts: who.everywhere,
      ...(after === undefined ? {} : { after }),
    })
    if (!found.ok) return found
    all.push(...found.value)
    if (found.value.length < pageSize) return ok(all)
  }
}

/**
 * Its own standing is newer than that of the machine that has it. Where neither is known of, as
 * after it changed machines, it is the newest.
 */
export async function currentPoint(
  core: Core,
  who: Principal,
  { id, machineId }: Volume,
  all: readonly PointView[],
): Promise<PointId | undefined> {
  const ready = all.filter(({ snapshot }) => snapshot.state === "ready")
  const own = await standingOf(core, who, { kind: "volume", id }, ready)
  if (own !== undefined || machineId === null) return own ?? ready.at(-1)?.point.id
  return (
    (await standingOf(core, who, { kind: "machine", id: machineId }, ready)) ??
    ready.at(-1)?.point.id
  )
}

async function standingOf(
  core: Core,
  who: Principal,
  source: SnapshotSource,
  all: readonly PointView[],
): Promise<PointId | undefined> {
  const own = all.filter(({ snapshot }) => snapshot.sourceId === source.id)
  // The newest is the one it stands on but after a revert, so they are asked from that end.
  for (const { point, snapshot } of own.reverse()) {
    const view = await core.snapshots.get(who, snapshot.id)
    if (view.ok && view.value.current) return point.id
  }
  return undefined
}
