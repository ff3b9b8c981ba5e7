/**
 * The contract of a host: what runs machines of one kind on this node.
 *
 * Every verb may be called twice, also after a crash of ours in its middle: it looks first. The
 * processes a host starts outlive us; `adopt` finds them again. Verbs throw a `Refusal` where a
 * person can do something about it. Nothing waits without a deadline.
 */
import type { DiskGraph, DiskSwitch, Restack } from "../domain/disk.ts"
import type { Finding } from "../domain/finding.ts"
import type { ImageId, MachineId, SnapshotId, VolumeId } from "../domain/ids.ts"
import type { Hardware, HostProcess, MachineKind } from "../domain/machine.ts"
import type { ServiceUser } from "../platform/process.ts"

export type HostAbilities = { hotAttach: boolean; memory: boolean; quiesce: boolean }

/** What a machine is started with. Slot 0 is the root volume; slots are recorded and stay. */
export type StartOrder = {
  machine: MachineId
  name: string
  hardware: Hardware
  disks: readonly { slot: number; graph: DiskGraph }[]
  boot: { append: string } | null
  /** It goes on from this, rather than from its firmware. */
  memory?: KeptMemory
}

/**
 * What a snapshot kept of a guest's memory. It goes on under the accelerator that ran the guest
 * then, as `HostProcess` calls it, and under no other; null where nobody wrote that down.
 */
export type KeptMemory = { snapshot: SnapshotId; keptUnder: string | null }

/** `hung`: its process lives but does not answer within the deadline. */
export type Liveness = "running" | "paused" | "gone" | "hung"

export type SwitchFacts = {
  /** From asking for the switch to its answer: no disk was held still for longer. */
  pauseMs: number
  /** Between the first and the last disk's instant; 0 where one transaction took them all. */
  skewMs: number
}

export type Capture = SwitchFacts & {
  /** False: this host could not let the guest run on; it stands still until `keepMemory` is done. */
  running: boolean
  /** Why not, in words. */
  note: string | null
}

/** Why a machine that should run stands still: its disk is full, or we hold it. */
export type Standstill = "no-space" | "held" | null

export type ExecResult = { exitCode: number; stdout: Buffer; stderr: Buffer; truncated: boolean }

export interface Host {
  readonly kind: MachineKind
  readonly can: HostAbilities
  /** Why machines cannot be started here now, and what to do; null when they can. */
  unavailable(): Promise<{ what: string; remedy: string } | null>

  /** Keeps an image's boot files; a machine made from it later gets its own copy. */
  keepBootFiles(image: ImageId, files: BootFiles): Promise<void>
  dropBootFiles(image: ImageId): Promise<void>
  /** Makes the machine's own directory, with its own copy of the image's boot files. */
  prepare(machine: MachineId, image: ImageId): Promise<void>
  /** Removes everything `prepare` and `start` left on disk. The machine must be gone. */
  discard(machine: MachineId): Promise<void>

  /** Starts it, or finds it running. Fills in what `hardware` leaves null. */
  start(order: StartOrder): Promise<{ process: HostProcess; hardware: Hardware }>
  /** Resolves once the guest's agent (or the container) answers. Throws `timeout`. */
  answers(machine: MachineId, withinMs: number): Promise<void>
  look(machine: MachineId): Promise<Liveness>
  /**
   * Whether it seems that it will never go on, whatever anybody does: nothing helps but another
   * process. Only what is so for long is sure.
   */
  lost(machine: MachineId): Promise<boolean>
  /** Asks the guest to power off, and pulls the plug after `graceMs` (0: at once). */
  stop(machine: MachineId, graceMs: number): Promise<void>
  /** Restarts the guest: politely within `graceMs` if it listens, by reset if not. */
  reboot(machine: MachineId, graceMs: number): Promise<void>

  attach(machine: MachineId, slot: number, graph: DiskGraph): Promise<void>
  /**
   * Waits until the guest's driver uses the disk in this slot; false when the time is up, which
   * is no error: a guest may still be in its firmware.
   */
  diskInUse(machine: MachineId, slot: number, withinMs: number): Promise<boolean>
  /** Resolves when the process has let go of every node of the volume and its locks are free. */
  detach(machine: MachineId, slot: number, volume: VolumeId): Promise<void>
  /** The block node that is the disk's top now; null when the machine has no such disk. */
  topNode(machine: MachineId, volume: VolumeId): Promise<string | null>
  /** Switches all disks at one instant; those already on `to` are left alone. */
  switchDisks(machine: MachineId, switches: readonly DiskSwitch[]): Promise<SwitchFacts>
  /**
   * Every machine here that has any of these disks open comes to stand on their new storage,
   * while it runs. Throws `unavailable` once all the others have moved if one does not answer: it
   * may wake up and go on reading the old, which must stay until it has moved or ended.
   */
  restack(restack: Restack): Promise<void>

  /**
   * The guest's agent writes out and freezes its file systems: resolves with how many. Nothing
   * else is asked of the agent until `release`; `exec` is refused. Throws `unavailable` where the
   * guest cannot do it, and leaves it as it was.
   */
  freeze(machine: MachineId): Promise<number>
  /**
   * Lets a guest go on whom we froze or stopped: thaws its file systems, continues its processors.
   * Resolves with how many file systems were still frozen. Success where there is nothing to let
   * go; throws when the guest does not answer, so that it is asked again.
   */
  release(machine: MachineId): Promise<number>

  /**
   * The disks are switched and the memory kept, all of one instant. All the room it can take is
   * reserved first (`no-space`), so that nothing in its course can fail but the disk itself.
   * Resolves once the switch has happened and, if `running`, the guest goes on; `pauseMs` is how
   * long it stood still until then.
   */
  captureMemory(
    machine: MachineId,
    memory: SnapshotId,
    switches: readonly DiskSwitch[],
  ): Promise<Capture>
  /**
   * Resolves when all of the memory is durably kept, with its size on disk; a guest that had to
   * stand still goes on. Throws where it was not kept whole. Called again after a restart of ours
   * it finds what goes on, or what was kept.
   */
  keepMemory(machine: MachineId, memory: SnapshotId, watch: MemoryWatch): Promise<{ bytes: number }>
  /** Success where there is none. One still being written is given up first. */
  dropMemory(memory: SnapshotId): Promise<void>
  /** Bytes on disk of each memory kept here, for comparing with what the ledger says. */
  memories(): Promise<Map<SnapshotId, number>>

  /** Why a machine that should run stands still, where it does. */
  standstill(machine: MachineId): Promise<Standstill>
  /** There is space again: one that stood still for the lack of it goes on. */
  goOn(machine: MachineId): Promise<void>

  /** Runs a command in the guest, root volume as `/`. Throws `timeout` if no agent answers. */
  exec(machine: MachineId, argv: readonly string[], options: ExecOptions): Promise<ExecResult>
  /** What its serial console printed so far, at most `lastBytes` of it. */
  console(machine: MachineId, lastBytes: number): Promise<Buffer>

  /**
   * Once at start: finds the processes that outlived us. Resolves with those that live; from
   * then on `onExit` tells of each that ends by itself.
   */
  adopt(machines: readonly { id: MachineId; process: HostProcess | null }[]): Promise<MachineId[]>
  onExit(listener: (machine: MachineId, why: string) => void): void

  /** The smallest image that this host boots, made from the distribution's own packages. */
  buildDemo(into: string, say: (percent: number, message: string) => void): Promise<DemoImage>
  examine(known: readonly MachineId[]): Promise<Finding[]>
  close(): Promise<void>
}

export type MemoryWatch = {
  progress(doneBytes: number, totalBytes: number): void
  signal: AbortSignal
}

export type ExecOptions = { waitForAgentMs: number; timeoutMs: number; maxOutputBytes: number }
export type BootFiles = { kernel: string; initrd: string } | null
/** Paths below the directory given to `buildDemo`. `disk` is a raw file. */
export type DemoImage = { disk: string; sizeBytes: number; boot: BootFiles; append: string }

/** What every host is opened with. Its processes run in `dataDir`; paths in graphs are relative. */
export type HostConfig = { dataDir: string; user: ServiceUser | null }
