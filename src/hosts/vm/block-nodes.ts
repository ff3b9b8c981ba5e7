/**
 * The block nodes of a running machine, as QEMU has them: what is there, what stands on what,
 * adding what is missing, removing what nothing needs.
 */
import type { BlockNode } from "../../domain/disk.ts"
import { Refusal } from "../../domain/fault.ts"
import { isObject, type JsonObject } from "../../platform/json-lines.ts"
import { type Qmp, QmpError } from "../../platform/qmp.ts"

/**
 * The node below each attached disk device, asked of the devices: `query-block` would tell too,
 * but describes every layer below each disk, and holds up the guest while it does.
 */
export async function topsBySlot(qmp: Qmp): Promise<Map<number, string>> {
  const tops = new Map<number, string>()
  for (const { name } of objects(await qmp.execute("qom-list", { path: peripheral }))) {
    const slot = /^disk(\d+)$/.exec(String(name))?.[1]
    if (slot === undefined) continue
    const drive = { path: `${peripheral}/${String(name)}`, property: "drive" }
    const top = await qmp.execute("qom-get", drive).catch(goneMeanwhile)
    if (typeof top === "string" && top !== "") tops.set(Number(slot), top)
  }
  return tops
}

export const peripheral = "/machine/peripheral"

/** A device that was let go of between two questions has no disk. */
function goneMeanwhile(cause: unknown): null {
  if (cause instanceof QmpError) return null
  throw cause
}

/** Resolves with those it added; takes them back if one cannot be. */
export async function addMissing(qmp: Qmp, nodes: readonly BlockNode[]): Promise<string[]> {
  const { names } = await blockGraph(qmp)
  const added: string[] = []
  for (const node of nodes.filter((one) => !names.has(one["node-name"]))) {
    try {
      await qmp.execute("blockdev-add", node)
    } catch (cause) {
      await dropNodes(qmp, added.reverse())
      if (!(cause instanceof QmpError)) throw cause
      const what = `the storage below node ${node["node-name"]}`
      throw new Refusal({ kind: "unavailable", what, remedy: `QEMU says: ${cause.desc}` })
    }
    added.push(node["node-name"])
    names.add(node["node-name"])
  }
  return added
}

/**
 * Removes every node that no attached disk stands on: the chain of a disk just unplugged, with
 * what switches added to it, and overlays of switches that never happened. That closes their
 * files and frees their locks; nodes shared with another disk stay.
 */
export async function sweepNodes(qmp: Qmp): Promise<void> {
  const graph = await blockGraph(qmp)
  const needed = below(graph, [...(await topsBySlot(qmp)).values()])
  const loose = [...graph.names].filter((node) => !needed.has(node))
  await dropNodes(qmp, parentsFirst(loose, graph))
  const { names } = await blockGraph(qmp)
  const left = loose.filter((node) => names.has(node))
  if (left.length > 0) throw new Error(`QEMU keeps ${left.join(", ")} open`)
}

export type BlockGraph = {
  names: Set<string>
  /** What each node stands on; devices, exports and jobs are parents too, under QEMU's names. */
  edges: { parent: string; child: string; as: string }[]
}

/** The only command that tells what stands on what is unstable in name, not in use. */
export async function blockGraph(qmp: Qmp): Promise<BlockGraph> {
  const graph = await qmp.execute("x-debug-query-block-graph")
  if (!isObject(graph)) throw new Error("QEMU did not tell its block graph")
  const nodes = objects(graph["nodes"])
  const drivers = nodes.filter((node) => node["type"] === "block-driver")
  const nameOf = new Map(nodes.map((node) => [node["id"], `${node["type"]} ${node["name"]}`]))
  for (const node of drivers) nameOf.set(node["id"], String(node["name"]))
  const edges = objects(graph["edges"]).flatMap((edge) => {
    const [parent, child] = [nameOf.get(edge["parent"]), nameOf.get(edge["child"])]
    if (parent === undefined || child === undefined) return []
    return { parent, child, as: String(edge["name"]) }
  })
  return { names: new Set(drivers.map((node) => String(node["name"]))), edges }
}

/** These nodes and all they stand on. */
export function below({ edges }: BlockGraph, nodes: readonly string[]): Set<string> {
  const found = new Set(nodes)
  // A set's iterator comes to what is added on the way.
  for (const node of found) {
    for (const { parent, child } of edges) if (parent === node) found.add(child)
  }
  return found
}

export function parentsFirst(nodes: readonly string[], { edges }: BlockGraph): string[] {
  const ordered: string[] = []
  const visit = (node: string) => {
    if (ordered.includes(node) || !nodes.includes(node)) return
    for (const { parent, child } of edges) if (parent === node) visit(child)
    ordered.push(node)
  }
  for (const node of nodes) visit(node)
  return ordered.reverse()
}

/** Parents first. Nodes that QEMU made by itself (`#block123`) go with their parents. */
export async function dropNodes(qmp: Qmp, nodes: readonly string[]): Promise<void> {
  for (const node of nodes.filter((name) => !name.startsWith("#"))) {
    await qmp.execute("blockdev-del", { "node-name": node }).catch((cause: unknown) => {
      if (!(cause instanceof QmpError)) throw cause
    })
  }
}

const objects = (value: unknown): JsonObject[] =>
  Array.isArray(value) ? value.filter(isObject) : []
