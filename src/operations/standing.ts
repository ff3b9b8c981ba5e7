/**
 * Who stands where in the tree of snapshots: a source, each of its volumes, and a machine with its
 * root volume, whoever took or restored what, so that there is one lineage and not two.
 */
import type { VolumeId } from "../domain/ids.ts"
import type { Rooms } from "../ledger/ledger.ts"

export async function standers(
  rooms: { volumes: Pick<Rooms["volumes"], "get"> },
  sourceId: string,
  volumeIds: readonly VolumeId[],
): Promise<Set<string>> {
  const all = new Set<string>([sourceId, ...volumeIds])
  for (const id of volumeIds) {
    const volume = await rooms.volumes.get(id)
    if (volume?.role === "root" && volume.machineId !== null) all.add(volume.machineId)
  }
  return all
}
