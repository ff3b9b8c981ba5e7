/**
 * What outlives a server: running machines, their disks, the files prepared for them. A test
 * ends one memory host and opens the next on the same world, as a restart would.
 */
import type { BlockNode } from "../../domain/disk.ts"
import type { ImageId, MachineId, VolumeId } from "../../domain/ids.ts"
import type { HostProcess } from "../../domain/machine.ts"
import type { Host } from "../host.ts"

/** What a node of a memory engine holds: bytes that can be read and written. */
export type Bytes = {
  read(offset: number, length: number): Uint8Array
  write(offset: number, bytes: Uint8Array): void
}
export type MemoryDisk = { volume: VolumeId; top: BlockNode }

export type MemoryMachine = {
  process: HostProcess
  liveness: "running" | "paused" | "hung"
  disks: Map<number, MemoryDisk>
  /** Counts from 1 with each start and reboot of the guest. */
  boots: number
  /** No agent answers: `answers` and `exec` end in their `timeout` refusal, at once. */
  mute: boolean
}

/** A verb that throws the next time it is called: before it did anything, or after it did all. */
export type Failure = { verb: keyof Host; when: "before" | "after" }

export type HostWorld = {
  running: Map<MachineId, MemoryMachine>
  prepared: Set<MachineId>
  bootFiles: Set<ImageId>
  consoles: Map<MachineId, string>
  failures: Failure[]
  listeners: Set<(machine: MachineId, why: string) => void>
}

export const newHostWorld = (): HostWorld => ({
  running: new Map(),
  prepared: new Set(),
  bootFiles: new Set(),
  consoles: new Map(),
  failures: [],
  listeners: new Set(),
})

/** The machine's process dies, and whoever watches is told why. */
export function kill(world: HostWorld, machine: MachineId, why = "killed"): void {
  if (!world.running.delete(machine)) return
  for (const listener of world.listeners) listener(machine, why)
}

export function bytesOf(node: BlockNode): Bytes {
  const { layer } = node
  if (typeof layer === "object" && layer !== null && "read" in layer && "write" in layer) {
    return layer as Bytes
  }
  throw new Error(`node ${node["node-name"]} is not one of a memory engine`)
}
