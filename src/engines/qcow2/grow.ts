/**
 * A closed volume becomes larger: a new head of that size is put on the present one, in one
 * commit, and the old head is a frozen layer without a name, which upkeep merges in time. Nothing
 * that exists is touched, so a crash leaves either the old head or the new.
 *
 * From here on the layers of a path may differ in size, the upper ones being the larger. What a
 * layer is read for beyond its end is zeros, whatever its file holds there.
 */
import type { VolumeId } from "../../domain/ids.ts"
import { checkVolumeSize, expectRoomFor } from "../volume-size.ts"
import type { LayerId } from "./layer-files.ts"
import { expectSame, settledHead } from "./openers.ts"
import { reclaim } from "./reclaim.ts"
import type { Store } from "./store.ts"
import { freshLayer, inTree } from "./tree.ts"

export async function growHead(store: Store, volume: VolumeId, sizeBytes: number): Promise<void> {
  checkVolumeSize(sizeBytes)
  const covered = await store.steady.shared(() => putOnTop(store, volume, sizeBytes))
  // From now on the new head covers it, with each write some more.
  if (covered !== null) await reclaim(store, [covered])
}

/** Gives the old head's layer; null where it is as large as that already. */
async function putOnTop(
  store: Store,
  volume: VolumeId,
  sizeBytes: number,
): Promise<LayerId | null> {
  const { memory, layers } = store
  const head = await settledHead(store, volume)
  if (head.sizeBytes === sizeBytes) return null
  expectRoomFor(head.sizeBytes, sizeBytes)
  const { layer: parent } = head
  await layers.settle(parent)
  await layers.make({ parent, sizeBytes }, (layer) =>
    inTree(memory, async (tree) => {
      expectSame(head, await tree.headOf(volume))
      await tree.putLayer(freshLayer({ id: layer, parent, sizeBytes, volume }))
      await tree.putHead({ ...head, layer, sizeBytes })
      await tree.putLayer({ ...(await tree.living(parent)), reclaim: true })
    }),
  )
  return parent
}
