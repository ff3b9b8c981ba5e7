/** A rig is one kind of host with a place of its own, and what the stories need around it. */
import type { DiskGraph, DiskSwitch, Restack } from "../domain/disk.ts"
import type { MachineId } from "../domain/ids.ts"
import type { HostProcess } from "../domain/machine.ts"
import type { ExecOptions, Host, StartOrder } from "./host.ts"

export type HostRig = {
  /** The server goes, and the next one comes; machines go on. */
  restart(): Promise<Host>
  readonly host: Host
  /** A machine that can be started: its directory, and its root disk in slot 0. */
  machine(): Promise<StartOrder>
  /** An empty volume, and what opens it. */
  volume(): Promise<DiskGraph>
  /** The next overlay of a disk whose top is `from`, ready to be switched to. */
  overlay(disk: Pick<DiskGraph, "volume" | "top" | "sizeBytes">): Promise<DiskSwitch>

  /** A new head on what the disk held when it was switched: the graph that opens it. */
  grow(switched: DiskGraph): Promise<DiskGraph>
  /**
   * Makes, beside a run of frozen nodes (the lowest first) which stands on `below`, one node that
   * holds what they hold, and says how `over` comes to stand on it in their place.
   */
  consolidate(run: readonly string[], below: string | null, over: string): Promise<Restack>

  // ---- in the guest: extra disks by slot, the first of them being slot 1 ------------------
  write(machine: MachineId, slot: number, offset: number, text: string): Promise<void>
  read(machine: MachineId, slot: number, offset: number, length: number): Promise<string>
  /** Tells one boot of the guest from the next. */
  boot(machine: MachineId): Promise<string>
  /** Its agent answers no more. */
  silence(machine: MachineId): Promise<void>
  /** Kept in the guest's memory and nowhere else; nothing once it has booted anew. */
  remember(machine: MachineId, text: string): Promise<void>
  recall(machine: MachineId): Promise<string>
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
  /** Its processors stand still, as in a snapshot that was interrupted. */
  halt(machine: MachineId): Promise<void>
  /** Everything on disk that bears the machine's id. */
  leftovers(machine: MachineId): Promise<string[]>
  end(): Promise<void>
}

export type Rig = () => HostRig

/** More than any boot takes, however much else goes on. */
export const bootMs = 150_000
export const exec: ExecOptions = {
  waitForAgentMs: bootMs,
  timeoutMs: 150_000,
  maxOutputBytes: 65_536,
}

/** A machine that is up, with as many extra disks, from slot 1 on. */
export async function running(rig: HostRig, extraDisks = 0) {
  const order = await rig.machine()
  const disks: DiskGraph[] = []
  for (let slot = 1; slot <= extraDisks; slot += 1) disks.push(await rig.volume())
  const extra = disks.map((graph, index) => ({ slot: index + 1, graph }))
  const full = { ...order, disks: [...order.disks, ...extra] }
  const started = await rig.host.start(full)
  await rig.host.answers(order.machine, bootMs)
  return { ...started, id: order.machine, order: full, disks }
}

export const [first, second] = [1, 2]
export const at = <T>(list: readonly T[], index: number): T => {
  const one = list[index]
  if (one === undefined) throw new Error(`nothing at ${index}`)
  return one
}
