/** The disks of machines in memory. */

import type { DiskGraph, DiskSwitch, Restack } from "../../domain/disk.ts"
import { Refusal } from "../../domain/fault.ts"
import type { VolumeId } from "../../domain/ids.ts"
import { type Bytes, bytesIn, bytesOf, type HostWorld, type MemoryMachine } from "./world.ts"

/** All actions happen between two of the guest's writes, so at one instant. */
export async function switchAll(
  guest: MemoryMachine,
  switches: readonly DiskSwitch[],
): Promise<void> {
  const pending = switches.filter((one) => {
    const top = diskOf(guest, one.volume)?.top["node-name"]
    if (top === one.from) return true
    if (top === one.to) return false
    throw new Error(`volume ${one.volume} has neither ${one.from} nor ${one.to} on top`)
  })
  for (const { type, data } of pending.flatMap(({ actions }) => actions)) {
    const { apply } = data
    if (type !== "memory-snapshot" || typeof apply !== "function")
      throw new Error(`no ${type} here`)
    apply()
  }
  for (const { volume, to, nodes } of pending) {
    const disk = diskOf(guest, volume)
    const top = nodes.find((node) => node["node-name"] === to)
    if (disk !== undefined && top !== undefined) disk.top = top
  }
  for (const { whileStopped } of pending) await whileStopped?.()
}

/** Whoever stands on a layer shares it, so moving it moves every disk that has it open. */
export function restackAll(world: HostWorld, { nodes, links }: Restack): void {
  const machines = [...world.running.values()]
  const open = new Set(machines.flatMap(openLayers))
  const hanging = machines.filter(({ liveness }) => liveness === "hung").flatMap(openLayers)
  const isHanging = (layer: Bytes | null) => layer !== null && hanging.includes(layer)
  if (links.some(({ node }) => isHanging(bytesIn(node)))) {
    const remedy = "stop it if it hangs"
    throw new Refusal({ kind: "unavailable", what: "a machine whose disks are to move", remedy })
  }
  for (const { node, backing } of links) {
    const layer = bytesIn(node)
    if (layer === null) continue
    const under = nodes.find((one) => one["node-name"] === backing)
    if (under === undefined) throw new Error(`the restack lacks the node ${backing}`)
    if (open.has(layer)) layer.parent = bytesOf(under)
  }
}

function openLayers({ disks }: MemoryMachine): Bytes[] {
  const layers: Bytes[] = []
  for (const { top } of disks.values()) {
    for (let layer: Bytes | null = bytesOf(top); layer !== null; layer = layer.parent) {
      layers.push(layer)
    }
  }
  return layers
}

export function topOf(graph: DiskGraph) {
  const top = graph.nodes.find((node) => node["node-name"] === graph.top)
  if (top === undefined) throw new Error(`the graph of ${graph.volume} lacks its top ${graph.top}`)
  return top
}

export const diskOf = (guest: MemoryMachine, volume: VolumeId) =>
  [...guest.disks.values()].find((disk) => disk.volume === volume)
