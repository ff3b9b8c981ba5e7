/** What layers hold, who it is charged to, and what comes back when points go. */
import type { PointId, VolumeId } from "../../domain/ids.ts"
import type { Space } from "../engine.ts"
import type { Tree } from "./tree.ts"
import { blockBytes, type MemoryLayer } from "./world.ts"

type Get = (id: string) => MemoryLayer

/**
 * For each layer that no point or head is on, the blocks of its own that everybody who reads
 * through it has over it: nobody can reach them any more, now or later.
 */
export function shadows(tree: Tree, get: Get): Map<string, Set<number>> {
  const over = new Map<string, Set<number>>()
  const shadow = (id: string): Set<number> => {
    const known = over.get(id)
    if (known !== undefined) return known
    // Nobody reads through a layer made by upkeep that is not committed: it narrows nothing.
    const unborn = (child: string) =>
      tree.children(child).length === 0 && !tree.isNamed(child) && !tree.isHead(child)
    const covers = tree.children(id).flatMap((child) => {
      if (unborn(child.id)) return []
      const own = get(child.id).ownBlocks
      return [isOpaque(tree, child.id) ? own : new Set([...own, ...shadow(child.id)])]
    })
    const [first = [], ...rest] = covers
    const shared = new Set([...first].filter((number) => rest.every((cover) => cover.has(number))))
    over.set(id, shared)
    return shared
  }
  const own = [...tree.layers.keys()].flatMap((id): [string, Set<number>][] => {
    if (isOpaque(tree, id)) return []
    const hidden = shadow(id)
    return [[id, new Set([...get(id).ownBlocks].filter((number) => hidden.has(number)))]]
  })
  return new Map(own)
}

/** Somebody reads it for its own sake, not only through it. */
const isOpaque = (tree: Tree, id: string) => tree.isNamed(id) || tree.isHead(id)

export function spaceOf(tree: Tree, get: Get, points: readonly PointId[]): Map<PointId, Space> {
  const spaces = new Map<PointId, Space>()
  for (const { id, layer } of tree.points) {
    if (!points.includes(id)) continue
    const exclusive = freedBy(tree, get, [id])
    const held = tree.path(layer).reduce((sum, below) => sum + get(below.id).heldBytes, 0)
    spaces.set(id, { exclusive, shared: held - exclusive, freedIfDeleted: exclusive })
  }
  return spaces
}

/** What `sweep` gives back when it comes after these points have gone. */
export function freedBy(tree: Tree, get: Get, points: readonly PointId[]): number {
  const gone = tree.points.filter(({ id }) => points.includes(id))
  const left = tree.without(new Set(points))
  const hidden = shadows(left.pruned(), get)
  const due = new Set(gone.flatMap(({ layer }) => tree.path(layer).map(({ id }) => id)))
  const kept = left.held()
  const freed = [...tree.held()].map((id) => {
    if (!kept.has(id)) return get(id).heldBytes
    return due.has(id) ? (hidden.get(id)?.size ?? 0) * blockBytes : 0
  })
  return freed.reduce((sum, bytes) => sum + bytes, 0)
}

/** A layer is charged to who wrote it, or, where that reads it no more, to the oldest who does. */
export function usageOf(tree: Tree, get: Get): Map<VolumeId, number> {
  const needed = tree.needed()
  const usage = new Map<VolumeId, number>()
  for (const { volume } of [...tree.heads, ...tree.points]) usage.set(volume, 0)
  for (const { id, volume } of tree.layers.values()) {
    const readers = needed.get(id) ?? new Set([volume])
    const [oldest = volume] = [...readers].sort()
    const charged = readers.has(volume) ? volume : oldest
    usage.set(charged, (usage.get(charged) ?? 0) + get(id).heldBytes)
  }
  return usage
}
