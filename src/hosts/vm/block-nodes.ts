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
  const present = new Set(await nodeNames(qmp))
  const added: string[] = []
  for (const node of nodes.filter((one) => !present.has(one["node-name"]))) {
    try {
      await qmp.execute("blockdev-add", node)
    } catch (cause) {
      await dropNodes(qmp, added.reverse())
      if (!(cause instanceof QmpError)) throw cause
      const what = `the storage below node ${node["node-name"]}`
      throw new Refusal({ kind: "unavailable", what, remedy: `QEMU says: ${cause.desc}` })
    }
    added.push(node["node-name"])
    present.add(node["node-name"])
  }
  return added
}

async function nodeNames(qmp: Qmp): Promise<string[]> {
  return (await blockGraph(qmp)).nodes.map((node) => String(node["name"]))
}

/**
 * Removes every node that no attached disk stands on: the chain of a disk just unplugged, with
 * what switches added to it, and overlays of switches that never happened. That closes their
 * files and frees their locks; nodes shared with another disk stay.
 */
export async function sweepNodes(qmp: Qmp): Promise<void> {
  const children = await edges(qmp)
  const needed = new Set<string>()
  const need = (node: string) => {
    if (needed.has(node)) return
    needed.add(node)
    for (const child of children.get(node) ?? []) need(child)
  }
  for (const top of (await topsBySlot(qmp)).values()) need(top)
  const loose = (await nodeNames(qmp)).filter((node) => !needed.has(node))
  await dropNodes(qmp, parentsFirst(loose, children))
  const left = (await nodeNames(qmp)).filter((node) => loose.includes(node))
  if (left.length > 0) throw new Error(`QEMU keeps ${left.join(", ")} open`)
}

/** Which nodes each node stands on. */
async function edges(qmp: Qmp): Promise<Map<string, string[]>> {
  const graph = await blockGraph(qmp)
  const names = new Map(graph.nodes.map((node) => [node["id"], String(node["name"])]))
  const children = new Map<string, string[]>()
  for (const edge of graph.edges) {
    const parent = names.get(edge["parent"])
    const child = names.get(edge["child"])
    if (parent === undefined || child === undefined) continue
    children.set(parent, [...(children.get(parent) ?? []), child])
  }
  return children
}

/** The only command that tells what stands on what is unstable in name, not in use. */
async function blockGraph(qmp: Qmp): Promise<{ nodes: JsonObject[]; edges: JsonObject[] }> {
  const graph = await qmp.execute("x-debug-query-block-graph")
  if (!isObject(graph)) throw new Error("QEMU did not tell its block graph")
  const nodes = objects(graph["nodes"]).filter((node) => node["type"] === "block-driver")
  return { nodes, edges: objects(graph["edges"]) }
}

function parentsFirst(nodes: readonly string[], children: Map<string, string[]>): string[] {
  const ordered: string[] = []
  const visit = (node: string) => {
    if (ordered.includes(node) || !nodes.includes(node)) return
    for (const child of children.get(node) ?? []) visit(child)
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
