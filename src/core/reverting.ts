/** Works out what a revert will do, volume by volume, before it is promised. */
import type { Principal } from "../domain/account.ts"
import { Refusal } from "../domain/fault.ts"
import { newId, type SnapshotId } from "../domain/ids.ts"
import type { SnapshotSource } from "../domain/snapshot.ts"
import type { Volume } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"
import type { Reverting } from "../operations/revert.ts"
import type { Context } from "./context.ts"
import { lostRoot, usableSnapshot } from "./snapshot-rows.ts"

export async function planReverting(
  rooms: Rooms,
  { clock, limits }: Pick<Context, "clock" | "limits">,
  wish: {
    who: Principal
    snapshotId: SnapshotId
    source: SnapshotSource
    /** The volumes that may be touched; of them those that the snapshot covers are. */
    volumes: readonly Volume[]
  },
): Promise<Reverting> {
  const { who, snapshotId, source, volumes } = wish
  const snapshot = await usableSnapshot(rooms, who, snapshotId)
  const points = await rooms.points.find({ snapshotId })
  if (source.id === snapshot.sourceId && lostRoot(snapshot, points) !== undefined) {
    throw withoutRoot(snapshotId)
  }
  const covered = volumes.flatMap((volume) => {
    const point = points.find((each) => each.volumeId === volume.id)
    return point === undefined ? [] : [{ volume, point }]
  })
  const [first] = covered
  if (first === undefined) throw notOfThis(snapshotId, source)
  const now = clock()
  const expiresAt = now + limits.recoveryMs
  const name = `before-revert-to-${snapshot.name}`.slice(0, 255)
  return {
    snapshotId,
    source,
    accountId: first.volume.accountId,
    volumes: covered.map(({ volume, point }) => ({
      volumeId: volume.id,
      engine: volume.engine,
      to: point.id,
      keep: newId<"point">(now),
      sizeBytes: volume.sizeBytes,
      role: source.kind === "machine" ? volume.role : "volume",
    })),
    recovery:
      limits.recoveryMs === 0 ? null : { snapshotId: newId<"snapshot">(now), name, expiresAt },
  }
}

/** Its other disks alone would be another machine than the one that was kept. */
const withoutRoot = (id: SnapshotId) =>
  new Refusal({
    kind: "wrong-state",
    what: "snapshot",
    id,
    is: "without its root volume's part, which was removed",
    needs: ["whole"],
  })

const notOfThis = (id: SnapshotId, source: SnapshotSource) =>
  new Refusal({
    kind: "invalid",
    why: `snapshot ${id} covers no volume of ${source.kind} ${source.id}`,
    field: "snapshotId",
  })
