/** What was written between two points, from what the layers between them hold. */
import type { Change } from "../engine.ts"
import type { Layers } from "./layers.ts"
import type { Tree } from "./tree.ts"
import { blockBytes, type MemoryLayer } from "./world.ts"

type Ends = { from: string | null; to: string }

export function changesBetween(tree: Tree, layers: Layers, { from, to }: Ends): Change[] {
  const [mine, theirs] = apart(finest(tree, to), from === null ? [] : finest(tree, from))
  const shown = layers.shown(tree, to)
  const before = from === null ? null : layers.shown(tree, from)
  const [here, there] = [written(layers, mine), written(layers, theirs)]
  const changes: Change[] = []
  for (const number of [...new Set([...here, ...there])].sort((a, b) => a - b)) {
    const offset = number * blockBytes
    if (offset >= shown.sizeBytes) continue
    const bytes = blockOf(shown, offset)
    const onBoth = here.has(number) && there.has(number)
    if (onBoth && before !== null && blockOf(before, offset).equals(bytes)) continue
    const zero = bytes.equals(zeros)
    const length = Math.min(blockBytes, shown.sizeBytes - offset)
    const last = changes.at(-1)
    if (last?.zero === zero && last.offset + last.length === offset) last.length += length
    else changes.push({ offset, length, zero })
  }
  return changes
}

export function areRelated(tree: Tree, one: string, other: string): boolean {
  const below = new Set(finest(tree, one))
  return finest(tree, other).some((id) => below.has(id))
}

/**
 * A layer's path in the smallest steps there are: not by a layer that was made of several while
 * those are still there to tell what each of them wrote. The top of those must be named: others
 * may have given blocks back.
 */
function finest(tree: Tree, top: string): string[] {
  const path: string[] = []
  for (let at: string | null = top; at !== null; ) {
    const layer = tree.layers.get(at)
    if (layer === undefined) throw new Error(`layer ${at} is not known`)
    if (layer.equals !== null && tree.isNamed(layer.equals)) {
      at = layer.equals
      continue
    }
    path.push(at)
    at = layer.parent
  }
  return path
}

/** Both without what lies below both. */
function apart(a: string[], b: string[]): [string[], string[]] {
  const [inA, inB] = [new Set(a), new Set(b)]
  return [a.filter((id) => !inB.has(id)), b.filter((id) => !inA.has(id))]
}

function written(layers: Layers, ids: readonly string[]): Set<number> {
  return new Set(ids.flatMap((id) => [...layers.get(id).ownBlocks]))
}

/** Filled up with zeros where the disk ends within it, or before it. */
function blockOf(layer: MemoryLayer, offset: number): Buffer {
  const block = Buffer.alloc(blockBytes)
  const length = Math.min(blockBytes, layer.sizeBytes - offset)
  if (length > 0) layer.read(offset, length).copy(block)
  return block
}

const zeros = Buffer.alloc(blockBytes)
