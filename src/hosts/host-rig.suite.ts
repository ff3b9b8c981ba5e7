/** A rig is one kind of host with a place of its own, and what the stories need around it. */
import type { DiskGraph, DiskSwitch } from "../domain/disk.ts"
import type { MachineId } from "../domain/ids.ts"
import type { HostProcess } from "../domain/machine.ts"
import type { Host, StartOrder } from "./host.ts"

export type HostRig = {
  /** The server goes, and the next one comes; machines go on. */
  restart(): Promise<Host>
  readonly host: Host
  /** A machine that can be started: its directory, and its root disk in slot 0. */
  machine(): Promise<StartOrder>
  /** An empty volume, and what opens it. */
  volume(): Promise<DiskGraph>
  /** The next overlay of a disk whose top is `from`, ready to be switched to. */
  overlay(disk: { volume: DiskGraph["volume"]; top: string }): Promise<DiskSwitch>

  // ---- in the guest: extra disks by slot, the first of them being slot 1 ------------------
  write(machine: MachineId, slot: number, offset: number, text: string): Promise<void>
  read(machine: MachineId, slot: number, offset: number, length: number): Promise<string>
  /** Tells one boot of the guest from the next. */
  boot(machine: MachineId): Promise<string>
  /**
   * The guest writes ever larger numbers, as 8 digits at offset 0, to slot 1 and then to slot 2,
   * and again, until the machine stops.
   */
  count(machine: MachineId): Promise<void>

  // ---- from outside -----------------------------------------------------------------------
  /** What a node's storage holds, read by nobody's leave while the machine runs. */
  stored(node: string, offset: number, length: number): Promise<string>
  /** Whether another process could open it for writing now. */
  isFree(node: string): Promise<boolean>
  /** As `kill -9` does, and as SIGSTOP and SIGCONT do. */
  kill(machine: MachineId, process: HostProcess): Promise<void>
  freeze(machine: MachineId, process: HostProcess): Promise<void>
  thaw(machine: MachineId, process: HostProcess): Promise<void>
  /** Everything on disk that bears the machine's id. */
  leftovers(machine: MachineId): Promise<string[]>
  end(): Promise<void>
}
