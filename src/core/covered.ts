/** Faces whose API forbids it take no disk away from under the snapshots that cover it. */
import { Refusal } from "../domain/fault.ts"
import type { Volume } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"

/** One is enough to refuse; more are named so that a person deletes them in one go. */
const mostNamed = 1000

/** What a revert keeps for itself hinders nobody. `by`: only those of its machine, or any. */
export async function mustNotBeCovered(
  rooms: Rooms,
  { id, machineId }: Volume,
  by: "its-machine" | "any",
): Promise<void> {
  const taken = by === "any" || machineId === null ? {} : { sourceId: machineId }
  const where = { state: ["creating", "ready"], recovery: false, ...taken } as const
  const hindering = await rooms.points.page(
    { point: { volumeId: id }, snapshot: where },
    { limit: mostNamed },
  )
  if (hindering.length === 0) return
  throw new Refusal({
    kind: "in-use",
    what: "volume",
    id,
    by: hindering.map(({ snapshot: { id, name } }) => ({ kind: "snapshot", id, name })),
    hint: "delete them first: they need the disk as it is",
  })
}
