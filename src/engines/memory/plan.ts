/** Which runs of layers are worth replacing, and whether a run still can be. */
import type { Tree } from "./tree.ts"

export type Kind = "merge" | "skip"
type Plan = { id: string; run: string[] }

const idOf = (kind: Kind, run: readonly string[]) => [kind, ...run].join(" ")

export function workOf(id: string): { kind: Kind; run: string[] } {
  const [kind, ...run] = id.split(" ")
  return { kind: kind === "merge" ? "merge" : "skip", run }
}

/** Plans that do not touch each other, nor what is begun. */
export function planned(tree: Tree, softDepth: number, held: (id: string) => number): Plan[] {
  const taken = new Set(tree.works.flatMap(({ run, layer }) => [...run, layer]))
  const plans: Plan[] = []
  const plan = (kind: Kind, run: string[] | undefined) => {
    if (run === undefined || run.some((id) => taken.has(id)) || !isRun(tree, kind, run)) return
    for (const id of run) taken.add(id)
    plans.push({ id: idOf(kind, run), run })
  }
  for (const { id } of tree.layers.values()) {
    const [above] = tree.children(id)
    if (above !== undefined) plan("merge", [id, above.id])
  }
  for (const { layer } of tree.heads) {
    const below = tree.path(layer).slice(1)
    if (below.length > softDepth) plan("skip", cheapest(tree, below, softDepth, taken, held))
  }
  return plans
}

/** Of all runs of so many layers that are not the lowest, the one with the least to copy. */
function cheapest(
  tree: Tree,
  below: readonly { id: string }[],
  softDepth: number,
  taken: ReadonlySet<string>,
  held: (id: string) => number,
): string[] | undefined {
  const length = Math.max(2, Math.ceil(softDepth / 3))
  const ids = below.map(({ id }) => id).slice(0, -1)
  const windows = ids.flatMap((_, from) => {
    const run = ids.slice(from, from + length).reverse()
    if (run.length < length || run.some((id) => taken.has(id))) return []
    if (!isRun(tree, "skip", run)) return []
    return [{ run, bytes: run.reduce((sum, id) => sum + held(id), 0) }]
  })
  return windows.toSorted((a, b) => a.bytes - b.bytes)[0]?.run
}

/** The lowest first, each on the one before, none of them written to, somebody on the top. */
export function isRun(tree: Tree, kind: Kind, run: readonly string[]): boolean {
  const begun = tree.works.filter(({ committed }) => committed === null)
  const made = new Set(begun.map(({ layer }) => layer))
  const above = (id: string) => tree.children(id).filter((child) => !made.has(child.id))
  const top = run.at(-1)
  const follows = (id: string, at: number) =>
    tree.layers.has(id) && (at === 0 || tree.layers.get(id)?.parent === run[at - 1])
  if (top === undefined || run.length < 2 || !run.every(follows)) return false
  if (run.some((id) => tree.isHead(id))) return false
  if (above(top).length === 0 && !(kind === "merge" && tree.isNamed(top))) return false
  const serves = (id: string) => tree.isNamed(id) || above(id).length !== 1 || isTwin(tree, id)
  return kind === "skip" || !run.slice(0, -1).some(serves)
}

/** Made of layers that are still there: they would have to be made into one again. */
function isTwin(tree: Tree, id: string): boolean {
  const equals = tree.layers.get(id)?.equals ?? null
  return equals !== null && tree.isNamed(equals)
}
