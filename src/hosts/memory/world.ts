/**
 * What outlives a server: running machines, their disks, the files prepared for them. A test
 * ends one memory host and opens the next on the same world, as a restart would.
 */
import type { BlockNode } from "../../domain/disk.ts"
import type { ImageId, MachineId, SnapshotId, VolumeId } from "../../domain/ids.ts"
import type { HostProcess } from "../../domain/machine.ts"
import type { Host, Standstill } from "../host.ts"

/** What a node of a memory engine holds: bytes that can be read and written. */
export type Bytes = {
  read(offset: number, length: number): Uint8Array
  write(offset: number, bytes: Uint8Array): void
  /** What it stands on. */
  parent: Bytes | null
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
  /** Its file systems: `exec` is refused. */
  frozen: boolean
  /** Why it is paused; a test may fill its disk. */
  standstill: Standstill
  /** What it was told to remember; a reboot forgets it. */
  remembered: string
}

/** What was kept of a machine's memory, or is being kept while its process lives. */
export type MemoryKept = Pick<MemoryMachine, "boots" | "remembered"> & {
  machine: MachineId
  process: HostProcess
  running: boolean
  whole: boolean
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
  memories: Map<SnapshotId, MemoryKept>
  capturing: {
    /** There is no room for the memory of any machine. */
    noSpace: boolean
    /** Guests stand still while their memory is written. */
    standing: boolean
    /** Writing a memory takes until this resolves. */
    until: Promise<void>
  }
}

export const newHostWorld = (): HostWorld => ({
  running: new Map(),
  prepared: new Set(),
  bootFiles: new Set(),
  consoles: new Map(),
  failures: [],
  listeners: new Set(),
  memories: new Map(),
  capturing: { noSpace: false, standing: false, until: Promise.resolve() },
})

/** The machine's process dies, and whoever watches is told why. */
export function kill(world: HostWorld, machine: MachineId, why = "killed"): void {
  if (!world.running.delete(machine)) return
  for (const listener of world.listeners) listener(machine, why)
}

export function bytesOf(node: BlockNode): Bytes {
  const layer = bytesIn(node)
  if (layer !== null) return layer
  throw new Error(`node ${node["node-name"]} is not one of a memory engine`)
}

/** Null for a node of another engine, which no machine of this host can have open. */
export function bytesIn({ layer }: BlockNode): Bytes | null {
  const isOurs = typeof layer === "object" && layer !== null && "read" in layer && "write" in layer
  return isOurs ? (layer as Bytes) : null
}

/** As if a guest were no bigger than what it remembers. */
export const memoryBytes = ({ remembered }: Pick<MemoryMachine, "remembered">): number =>
  Buffer.byteLength(remembered) + 1

export function pause(guest: MemoryMachine, why: Standstill): void {
  guest.liveness = "paused"
  guest.standstill = why
}

export function resume(guest: MemoryMachine): void {
  guest.liveness = "running"
  guest.standstill = null
}
