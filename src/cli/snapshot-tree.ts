/**
 * Snapshots as the tree they are: each stands on the one its source stood on when it was taken.
 * One tree for every source; what a snapshot's parent was deleted from under becomes a root.
 */
import type { Snapshot } from "./resources.ts"
import { printable } from "./show.ts"
import { showAge } from "./sizes.ts"

export type Tree = Snapshot & { children: Tree[] }

/** Oldest first, on every level. */
export function plantForest(snapshots: readonly Snapshot[]): Tree[] {
  const trees = snapshots
    .map((snapshot): Tree => ({ ...snapshot, children: [] }))
    .sort((a, b) => a.createdAt.localeCompare(b.createdAt) || a.id.localeCompare(b.id))
  const byId = new Map(trees.map((tree) => [tree.id, tree]))
  const roots: Tree[] = []
  for (const tree of trees) {
    const parent = tree.parentId === null ? undefined : byId.get(tree.parentId)
    if (parent === undefined) roots.push(tree)
    else parent.children.push(tree)
  }
  return roots
}

export function drawForest(roots: readonly Tree[], now: number): string {
  const sources = Map.groupBy(roots, (root) => `${root.source.kind} ${root.source.id}`)
  const drawn = [...sources].map(([source, trees]) => [source, ...branches(trees, "", now)])
  return drawn.map((lines) => `${lines.join("\n")}\n`).join("\n")
}

function branches(trees: readonly Tree[], indent: string, now: number): string[] {
  return trees.flatMap((tree, index) => {
    const last = index === trees.length - 1
    const line = `${indent}${last ? "`-- " : "|-- "}${words(tree, now)}`
    return [line, ...branches(tree.children, indent + (last ? "    " : "|   "), now)]
  })
}

function words(tree: Tree, now: number): string {
  const notes = [
    tree.state === "ready" ? tree.consistency?.label : tree.state,
    tree.recovery ? "kept by a revert" : undefined,
    tree.current ? "you are here" : undefined,
    showAge(tree.createdAt, now),
  ]
  return `${printable(tree.name)}  (${notes.filter((note) => note !== undefined).join(", ")})`
}
