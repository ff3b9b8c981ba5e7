/**
 * What stands in the way of a disk's deletion or growth, by the ids that it has in this API: a
 * snapshot of a disk alone is told there by its point, one of a machine as it is.
 */
import type { Core } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { type Named, no, type Result } from "../../domain/fault.ts"
import type { SnapshotId, VolumeId } from "../../domain/ids.ts"

/** More are counted, not named. */
const mostNamed = 20

export async function hindered<T>(
  core: Core,
  who: Principal,
  volumeId: VolumeId,
  asked: Result<T>,
): Promise<Result<T>> {
  if (asked.ok || asked.fault.kind !== "in-use") return asked
  const { fault } = asked
  const snapshots = fault.by.filter(({ kind }) => kind === "snapshot").slice(0, mostNamed)
  if (snapshots.length === 0) return asked
  const points = await core.snapshots.points(who, {
    ...{ volumeId, snapshotId: snapshots.map(({ id }) => id as SnapshotId) },
    ...{ limit: mostNamed, allAccounts: who.everywhere },
  })
  if (!points.ok) return asked
  const idHere = new Map(
    points.value.map(({ point, snapshot }) => [
      snapshot.id as string,
      snapshot.sourceKind === "volume" ? point.id : snapshot.id,
    ]),
  )
  const here = (one: Named): Named => ({ ...one, id: idHere.get(one.id) ?? one.id })
  const isAttached = fault.by.some(({ kind }) => kind === "machine")
  return no({
    ...fault,
    by: fault.by.map(here),
    hint: isAttached ? fault.hint : "delete them first: they need the disk as it is",
  })
}
