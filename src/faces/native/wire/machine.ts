import { z } from "zod"
import type { MachineView, VolumeView } from "../../../core/core.ts"
import { hardwareBounds } from "../../../domain/machine.ts"
import { labels, labelWishes, renderLabels } from "./labels.ts"
import { renderVolumeBytes, volumeBytes } from "./volume.ts"
import {
  bytes,
  components,
  idOf,
  name,
  pageOf,
  queryNumberOr,
  sizeBytes,
  time,
  toTime,
  uuid,
} from "./words.ts"

const kind = z.enum(["vm", "container"])
const within = ({ least, most }: { least: number; most: number }) => z.int().min(least).max(most)
const memoryMiB = within(hardwareBounds.memoryMiB)
const cpus = within(hardwareBounds.cpus)
const deletionProtected = z.boolean().describe("It cannot be deleted before this is taken back.")

export const MachineWish = z
  .strictObject({
    name,
    imageId: idOf("image"),
    kind: z.exactOptional(kind),
    memoryMiB: z.exactOptional(memoryMiB),
    cpus: z.exactOptional(cpus),
    diskSizeBytes: z.exactOptional(sizeBytes).describe("The image's own size unless given."),
    volumeIds: z.exactOptional(z.array(idOf("volume")).max(26)).describe("Attached in this order."),
    ...labelWishes,
    deletionProtected: z.exactOptional(deletionProtected),
  })
  .register(components, { id: "MachineWish" })

/** What is absent stays as it is. */
export const MachineChange = z
  .strictObject({
    name: z.exactOptional(name),
    ...labelWishes,
    deletionProtected: z.exactOptional(deletionProtected),
  })
  .register(components, { id: "MachineChange" })

export const MachineResizeWish = z
  .strictObject({
    memoryMiB: z.exactOptional(memoryMiB),
    cpus: z.exactOptional(cpus),
    restart: z
      .boolean()
      .default(false)
      .describe("A running machine is switched off for it, and on again."),
  })
  .register(components, { id: "MachineResizeWish" })

export const StopWish = z
  .strictObject({ hard: z.boolean().default(false).describe("At once, without asking the guest.") })
  .register(components, { id: "StopWish" })

export const AttachWish = z
  .strictObject({ volumeId: idOf("volume") })
  .register(components, { id: "AttachWish" })

export const MachineRevertWish = z
  .strictObject({
    snapshotId: idOf("snapshot"),
    // biome-ignore lint/suspicious/noThenProperty: the wire's word; its value is never a function
    then: z
      .exactOptional(z.enum(["as-before", "start", "stop"]))
      .describe("Running or off afterwards; as before unless given."),
  })
  .register(components, { id: "MachineRevertWish" })

const longestArgvBytes = 128 * 1024

export const ExecWish = z
  .strictObject({
    argv: z
      .array(z.string().regex(/^[^\0]*$/, { error: "must not contain a NUL" }))
      .min(1)
      .max(1024)
      .refine((argv) => argv[0] !== "", { error: "must begin with a program" })
      .refine((argv) => argv.reduce((sum, word) => sum + word.length + 1, 0) <= longestArgvBytes, {
        error: `must not be longer than ${longestArgvBytes} characters in all`,
      }),
    timeoutMs: z.exactOptional(z.int().min(1).max(3_600_000)),
  })
  .register(components, { id: "ExecWish" })

export const ExecResult = z
  .object({
    exitCode: z.int(),
    stdout: z.base64(),
    stderr: z.base64(),
    truncated: z.boolean(),
  })
  .register(components, { id: "ExecResult" })

export const renderExec = (done: {
  exitCode: number
  stdout: Buffer
  stderr: Buffer
  truncated: boolean
}): z.infer<typeof ExecResult> => ({
  exitCode: done.exitCode,
  stdout: done.stdout.toString("base64"),
  stderr: done.stderr.toString("base64"),
  truncated: done.truncated,
})

/** `bytes`: at most so many, the last ones. */
export const ConsoleQuery = z.strictObject({
  bytes: queryNumberOr(64 * 1024, 1, 2 ** 20),
})

const Disk = z
  .object({
    volumeId: uuid,
    slot: z.int().nullable(),
    role: z.enum(["root", "extra"]),
    sizeBytes: bytes,
    bytes: volumeBytes,
  })
  .register(components, { id: "Disk" })

const renderDisk = (volume: VolumeView): z.infer<typeof Disk> => ({
  volumeId: volume.id,
  slot: volume.slot,
  role: volume.role,
  sizeBytes: volume.sizeBytes,
  bytes: renderVolumeBytes(volume),
})

export const Machine = z
  .object({
    id: uuid,
    name: z.string(),
    kind,
    state: z.enum(["creating", "running", "stopped", "deleting", "failed"]),
    memoryMiB: z.int(),
    cpus: z.int(),
    machineType: z.string().nullable(),
    accelerator: z.string().nullable(),
    pid: z.int().nullable(),
    imageId: uuid,
    rootVolumeId: uuid,
    disks: z.array(Disk),
    held: z
      .object({ operationId: uuid, until: time })
      .nullable()
      .describe("Its guest is held still for a snapshot, and goes on by then."),
    ...labels,
    deletionProtected,
    accountId: uuid,
    reason: z.string().nullable(),
    createdAt: time,
  })
  .register(components, { id: "Machine" })
export const MachinePage = pageOf(Machine, "MachinePage")

export const renderMachine = (machine: MachineView): z.infer<typeof Machine> => ({
  id: machine.id,
  name: machine.name,
  kind: machine.kind,
  state: machine.state,
  memoryMiB: machine.hardware.memoryMiB,
  cpus: machine.hardware.cpus,
  machineType: machine.hardware.machineType,
  accelerator: machine.process?.accelerator ?? null,
  pid: machine.process?.pid ?? null,
  imageId: machine.imageId,
  rootVolumeId: machine.rootVolumeId,
  disks: machine.disks.map(renderDisk),
  held: machine.held && { ...machine.held, until: toTime(machine.held.until) },
  ...renderLabels(machine),
  deletionProtected: machine.deletionProtected,
  accountId: machine.accountId,
  reason: machine.reason,
  createdAt: toTime(machine.createdAt),
})
