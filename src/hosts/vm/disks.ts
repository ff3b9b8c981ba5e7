/**
 * The disks of a running machine. QEMU's own graph of block nodes is the truth; nothing about it
 * is remembered here, so a restart of ours finds all there is to know.
 */

import type { BlockNode, DiskGraph, DiskSwitch } from "../../domain/disk.ts"
import { Refusal } from "../../domain/fault.ts"
import type { VolumeId } from "../../domain/ids.ts"
import { isTimeout } from "../../platform/deadline.ts"
import { isObject, type JsonObject } from "../../platform/json-lines.ts"
import { type Qmp, QmpError } from "../../platform/qmp.ts"
import type { SwitchFacts } from "../host.ts"
import type { Guest } from "./guest.ts"
import { diskDevice, diskId, serialOf } from "./launch.ts"

const switchWithinMs = 30_000
const unplugWithinMs = 30_000
const askAgainMs = 5_000

export async function attachDisk(guest: Guest, slot: number, graph: DiskGraph): Promise<void> {
  const device = diskDevice(slot, graph)
  const qmp = await guest.monitor()
  const present = (await topsBySlot(qmp)).get(slot)
  if (present === graph.top) return
  if (present !== undefined) throw new Error(`slot ${slot} holds ${present}, not ${graph.top}`)
  const added = await addMissing(qmp, graph.nodes)
  try {
    await qmp.execute("device_add", device)
  } catch (cause) {
    await dropNodes(qmp, added.reverse())
    throw cause
  }
}

/** The guest has to let go of the device; without its help this ends in a `timeout` refusal. */
export async function detachDisk(guest: Guest, slot: number): Promise<void> {
  const qmp = await guest.monitor()
  if ((await topsBySlot(qmp)).has(slot)) await unplug(qmp, slot)
  await sweepNodes(qmp)
}

/**
 * One transaction takes all disks that are not switched yet to the same instant. An engine's own
 * work comes after it, with the guest stopped.
 */
export async function switchAll(
  guest: Guest,
  switches: readonly DiskSwitch[],
): Promise<SwitchFacts> {
  const qmp = await guest.monitor()
  const tops = new Set((await topsBySlot(qmp)).values())
  const pending = switches.filter(({ from, to }) => {
    if (tops.has(from)) return true
    if (tops.has(to)) return false
    throw new Error(`no disk of machine ${guest.machine} has ${from} or ${to} on top`)
  })
  const added = await addMissing(
    qmp,
    pending.flatMap(({ nodes }) => nodes),
  )
  try {
    const pauseMs = await switchPending(qmp, pending)
    const after = new Set((await topsBySlot(qmp)).values())
    const left = switches.find(({ to }) => !after.has(to))
    if (left !== undefined) throw new Error(`after the switch no disk has ${left.to} on top`)
    return { pauseMs, skewMs: 0 }
  } catch (cause) {
    // A refused transaction changes nothing, so its overlays are not in use; one that QEMU did
    // not answer may still happen, and then it needs them.
    if (cause instanceof QmpError) await dropNodes(qmp, added.reverse())
    throw cause
  }
}

/** Resolves with how long the disks, or the guest, were held still. */
async function switchPending(qmp: Qmp, pending: readonly DiskSwitch[]): Promise<number> {
  const actions = pending.flatMap((one) => one.actions)
  const whileStopped = pending.flatMap((one) => one.whileStopped ?? [])
  const transaction = async () => {
    if (actions.length === 0) return
    await qmp.execute("transaction", { actions }, { timeoutMs: switchWithinMs })
  }
  const ran = whileStopped.length > 0 && (await isRunning(qmp))
  const started = performance.now()
  try {
    if (ran) await qmp.execute("stop")
    await transaction()
    for (const work of whileStopped) await work()
  } finally {
    if (ran) await qmp.execute("cont")
  }
  return pending.length === 0 ? 0 : performance.now() - started
}

async function isRunning(qmp: Qmp): Promise<boolean> {
  const status = await qmp.execute("query-status")
  return isObject(status) && status["running"] === true
}

/** The device is known by the volume's serial number, which it got when it was made. */
export async function topNodeOf(guest: Guest, volume: VolumeId): Promise<string | null> {
  const qmp = await guest.monitor()
  for (const [slot, top] of await topsBySlot(qmp)) {
    const device = { path: `${peripheral}/${diskId(slot)}`, property: "serial" }
    if ((await qmp.execute("qom-get", device)) === serialOf(volume)) return top
  }
  return null
}

/**
 * The node below each attached disk device, asked of the devices: `query-block` would tell too,
 * but describes every layer below each disk, and holds up the guest while it does.
 */
async function topsBySlot(qmp: Qmp): Promise<Map<number, string>> {
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

const peripheral = "/machine/peripheral"

/** A device that was let go of between two questions has no disk. */
function goneMeanwhile(cause: unknown): null {
  if (cause instanceof QmpError) return null
  throw cause
}

/** Resolves with those it added; takes them back if one cannot be. */
async function addMissing(qmp: Qmp, nodes: readonly BlockNode[]): Promise<string[]> {
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

/** Asks until the guest has let go: one that is still booting misses the first request. */
async function unplug(qmp: Qmp, slot: number): Promise<void> {
  const id = diskId(slot)
  const deadline = performance.now() + unplugWithinMs
  for (;;) {
    const leftMs = Math.max(1, deadline - performance.now())
    const deleted = qmp.once("DEVICE_DELETED", {
      withinMs: Math.min(askAgainMs, leftMs),
      matching: (data) => data["device"] === id,
    })
    deleted.catch(() => {})
    try {
      await qmp.execute("device_del", { id })
    } catch (cause) {
      if (!(cause instanceof QmpError)) throw cause
      if (cause.class === "DeviceNotFound") return
      if (!/in the process of unplug/.test(cause.desc)) throw cause
    }
    try {
      await deleted
      return
    } catch (cause) {
      if (!isTimeout(cause)) throw cause
      if (performance.now() < deadline) continue
      const what = "the guest, asked to let go of the disk,"
      throw new Refusal({ kind: "timeout", what, afterMs: unplugWithinMs })
    }
  }
}

/**
 * Removes every node that no attached disk stands on: the chain of a disk just unplugged, with
 * what switches added to it, and overlays of switches that never happened. That closes their
 * files and frees their locks; nodes shared with another disk stay.
 */
async function sweepNodes(qmp: Qmp): Promise<void> {
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
async function dropNodes(qmp: Qmp, nodes: readonly string[]): Promise<void> {
  for (const node of nodes.filter((name) => !name.startsWith("#"))) {
    await qmp.execute("blockdev-del", { "node-name": node }).catch((cause: unknown) => {
      if (!(cause instanceof QmpError)) throw cause
    })
  }
}

const objects = (value: unknown): JsonObject[] =>
  Array.isArray(value) ? value.filter(isObject) : []
