import type { AccountId, ImageId, MachineId, OperationId, VolumeId } from "./ids.ts"
import type { Labels } from "./labels.ts"
import type { Volume } from "./volume.ts"

export type MachineKind = "vm" | "container"
export type MachineState = "creating" | "running" | "stopped" | "deleting" | "failed"

/** What a guest sees of its machine; kept in each snapshot, so that a restore finds the same. */
export type Hardware = {
  memoryMiB: number
  cpus: number
  /** The exact type, such as `pc-q35-7.2`; fixed when the machine first starts. */
  machineType: string | null
  cpuModel: string | null
}

/** The least and the most that a machine may have. */
export const hardwareBounds = {
  memoryMiB: { least: 64, most: 2 ** 20 },
  cpus: { least: 1, most: 64 },
} as const

export type Machine = Labels & {
  id: MachineId
  accountId: AccountId
  node: string
  kind: MachineKind
  name: string
  state: MachineState
  hardware: Hardware
  imageId: ImageId
  /** As its image said when it was made; deleting the image breaks no machine. */
  boot: { append: string } | null
  rootVolumeId: VolumeId
  /** The process that runs it, as the host wrote it down; proves identity after a restart. */
  process: HostProcess | null
  /** We froze or stopped its guest for a snapshot; whatever happens, it goes on by then. */
  held: Held | null
  /** It cannot be deleted before somebody takes this back. */
  deletionProtected: boolean
  /** Why it stopped by itself, or why making it failed. */
  reason: string | null
  createdAt: number
}

/** Written down before the guest is touched, so that a restart of ours lets it go. */
export type Held = { operationId: OperationId; until: number }

/** A pid alone may be another process by now; pid and start time together are not. */
export type HostProcess = { pid: number; startTicks: number; accelerator: string }

/** The machine as it was at a snapshot's instant. */
export type MachineDescription = {
  hardware: Hardware
  disks: readonly { volumeId: VolumeId; slot: number; role: "root" | "extra" }[]
  running: boolean
  /** What ran it: a memory kept under one cannot go on under another. */
  accelerator: string | null
}

export const describeMachine = (
  { hardware, state, process }: Machine,
  disks: readonly Volume[],
): MachineDescription => ({
  hardware,
  disks: disks.map(({ id, slot, role }) => ({ volumeId: id, slot: slot ?? 0, role })),
  running: state === "running",
  accelerator: process?.accelerator ?? null,
})
