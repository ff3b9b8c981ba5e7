/** Whether layers still stand as work on them needs it, and what such work makes of them. */
import type { VolumeId } from "../../domain/ids.ts"
import type { LayerId } from "./layer-files.ts"
import { freshLayer, type Layer, type Tree } from "./tree.ts"
import { layersOf, type Work } from "./works.ts"

/** A volume whose head or point is on the layer, or stands on it. */
export async function readerOf(tree: Tree, layer: LayerId): Promise<VolumeId | null> {
  for (let at: LayerId | undefined = layer; at !== undefined; ) {
    const [head] = await tree.headsOn(at)
    if (head !== undefined) return head.volume
    const [point] = await tree.pointsOn(at)
    if (point !== undefined) return point.volume
    at = (await tree.needs(at)).children[0]
  }
  return null
}

/** No begun work is about any of them. */
export async function areFree(tree: Tree, run: readonly LayerId[]): Promise<boolean> {
  const taken = new Set((await tree.works.all()).flatMap(layersOf))
  return !run.some((id) => taken.has(id))
}

export async function isMerge(tree: Tree, run: readonly LayerId[]): Promise<boolean> {
  for (const [at, id] of run.slice(0, -1).entries()) {
    const { heads, points, children } = await tree.needs(id)
    if (heads + points > 0 || children.length !== 1 || children[0] !== run[at + 1]) return false
  }
  return true
}

/** The layers still stand as the work needs them, and it would be of use to somebody. */
export async function asPlanned(
  tree: Tree,
  { run, use }: Pick<Work, "run" | "use">,
): Promise<boolean> {
  for (const [at, id] of run.entries()) {
    const layer = await tree.layer(id)
    if (layer === undefined || layer.doomed) return false
    if (at > 0 && layer.parent !== run[at - 1]) return false
    if ((await tree.headsOn(id)).length > 0) return false
  }
  if (use === "merge") return await isMerge(tree, run)
  const top = run.at(-1)
  return top !== undefined && (await tree.needs(top)).children.length > 0
}

/** What stands where the run's bottom does and is as large as its top. */
export async function newLayer(tree: Tree, id: LayerId, run: readonly LayerId[]): Promise<Layer> {
  const [bottom, top] = [run[0], run.at(-1)]
  if (bottom === undefined || top === undefined) throw new Error("a run without layers")
  const { sizeBytes, volume } = await tree.living(top)
  const { parent } = await tree.living(bottom)
  return freshLayer({ id, parent, sizeBytes, volume })
}

/** Null also for one that is gone. */
export const parentOf = async (tree: Tree, id: LayerId): Promise<LayerId | null> =>
  (await tree.layer(id))?.parent ?? null
