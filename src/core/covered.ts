/** Faces whose API forbids it take no disk away from under the snapshots that cover it. */
import { Refusal } from "../domain/fault.ts"
import type { Volume } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"

/** What a revert keeps for itself hinders nobody. `by`: only those of its machine, or any. */
export async function mustNotBeCovered(
  rooms: Rooms,
  { id, machineId }: Volume,
  by: "its-machine" | "any",
): Promise<void> {
  const points = await rooms.points.find({ volumeId: id })
  const snapshots = await rooms.snapshots.find({
    id: points.map(({ snapshotId }) => snapshotId),
    state: ["creating", "ready"],
    recovery: false,
  })
  const hindering = by === "any" ? snapshots : snapshots.filter((one) => one.sourceId === machineId)
  if (hindering.length === 0) return
  throw new Refusal({
    kind: "in-use",
    what: "volume",
    id,
    by: hindering.map((snapshot) => ({ kind: "snapshot", id: snapshot.id })),
    hint: "delete them first: they need the disk as it is",
  })
}
