/** Clusters of two paths, read from the layers' files and compared. */
import { type FileHandle, open } from "node:fs/promises"
import { Clusters } from "./clusters.ts"
import { clusterBytes } from "./header.ts"
import type { LayerFiles, LayerId } from "./layer-files.ts"
import type { Found } from "./path.ts"

const inFlight = 8

/** Those of the given clusters that read the same here and there, up to the disk's end. */
export async function sameBytes(
  { layers }: { layers: LayerFiles },
  clusters: Clusters,
  { here, there, sizeBytes }: { here: Found; there: Found; sizeBytes: number },
): Promise<Clusters> {
  const same = new Clusters()
  const files = new Map<LayerId, Promise<FileHandle>>()
  const opened = (id: LayerId) => {
    const file = files.get(id) ?? open(layers.path(id), "r")
    files.set(id, file)
    return file
  }
  const waiting = numbersIn(clusters)
  const compare = async () => {
    const [left, right] = [Buffer.alloc(clusterBytes), Buffer.alloc(clusterBytes)]
    for (const cluster of waiting) {
      const length = Math.min(clusterBytes, sizeBytes - cluster * clusterBytes)
      await readCluster(opened, here, cluster, left)
      await readCluster(opened, there, cluster, right)
      if (left.compare(right, 0, length, 0, length) === 0) same.add(cluster)
    }
  }
  try {
    const ends = await Promise.allSettled(Array.from({ length: inFlight }, compare))
    for (const end of ends) if (end.status === "rejected") throw end.reason
    return same
  } finally {
    for (const file of files.values()) await (await file.catch(() => null))?.close()
  }
}

async function readCluster(
  opened: (id: LayerId) => Promise<FileHandle>,
  { places }: Found,
  cluster: number,
  into: Buffer,
): Promise<void> {
  into.fill(0)
  const place = places.find(({ clusters }) => clusters.has(cluster))
  const offset = place?.map.hostOffset(cluster)
  if (place === undefined || offset === undefined) return
  // What lies in the file beyond the end of the layer's own disk is nobody's.
  const length = Math.min(clusterBytes, place.map.sizeBytes - cluster * clusterBytes)
  const file = await opened(place.layer)
  await file.read(into, 0, length, offset)
}

function* numbersIn(clusters: Clusters): Generator<number> {
  for (const { first, count } of clusters.runs()) {
    for (let cluster = first; cluster < first + count; cluster++) yield cluster
  }
}
