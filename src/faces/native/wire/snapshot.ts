import { z } from "zod"
import type { SnapshotView, SnapshotWish as Wish } from "../../../core/core.ts"
import type { MachineId, VolumeId } from "../../../domain/ids.ts"
import type { MachineDescription } from "../../../domain/machine.ts"
import type { Point, SnapshotSource } from "../../../domain/snapshot.ts"
import { labels, labelWishes, renderLabels } from "./labels.ts"
import {
  bytes,
  components,
  downloadFormat,
  idOf,
  listQuery,
  name,
  pageOf,
  time,
  toTime,
  toTimeOrNull,
  uuid,
} from "./words.ts"

export const SnapshotWish = z
  .strictObject({
    name,
    machineId: z.exactOptional(idOf("machine")),
    volumeId: z.exactOptional(idOf("volume")),
    memory: z.exactOptional(z.boolean()).describe("With what the running machine has in memory."),
    quiesce: z.exactOptional(z.boolean()).describe("The guest freezes its file systems first."),
    ...labelWishes,
  })
  .describe("Of a machine or of a volume: give one of the two ids.")
  .register(components, { id: "SnapshotWish" })

export const SnapshotWishRead = SnapshotWish.transform((wish, context): Wish => {
  const { machineId, volumeId, ...rest } = wish
  const source = sourceOf({ machineId, volumeId })
  if (source !== undefined && source !== "both") return { ...rest, source }
  const message = source === "both" ? "excludes volumeId" : "or volumeId is required"
  context.issues.push({ code: "custom", input: wish, path: ["machineId"], message })
  return z.NEVER
})

/** What is absent stays as it is. */
export const SnapshotChange = z
  .strictObject({ name: z.exactOptional(name), ...labelWishes })
  .register(components, { id: "SnapshotChange" })

export const SnapshotQuery = z.strictObject({
  ...listQuery,
  machineId: z
    .exactOptional(idOf("machine"))
    .describe("Those taken of the machine, and those taken of its root volume."),
  volumeId: z.exactOptional(idOf("volume")),
})

export const SnapshotQueryRead = SnapshotQuery.transform((query, context) => {
  const { machineId, volumeId, ...listing } = query
  const source = sourceOf({ machineId, volumeId })
  if (source === undefined) return listing
  if (source !== "both") {
    return source.kind === "machine" ? { ...listing, lineageOf: source.id } : { ...listing, source }
  }
  const message = "excludes volumeId"
  context.issues.push({ code: "custom", input: query, path: ["machineId"], message })
  return z.NEVER
})

export const SnapshotContentQuery = z.strictObject({
  format: downloadFormat,
  volumeId: z.exactOptional(idOf("volume")).describe("Of a machine's volumes; the root's if none."),
})

function sourceOf(ids: {
  machineId: MachineId | undefined
  volumeId: VolumeId | undefined
}): SnapshotSource | "both" | undefined {
  const { machineId, volumeId } = ids
  if (machineId !== undefined && volumeId !== undefined) return "both"
  if (machineId !== undefined) return { kind: "machine", id: machineId }
  if (volumeId !== undefined) return { kind: "volume", id: volumeId }
  return undefined
}

const source = z.object({ kind: z.enum(["machine", "volume"]), id: uuid })

const PointShown = z
  .object({ id: uuid, volumeId: uuid, sizeBytes: bytes, role: z.enum(["root", "extra", "volume"]) })
  .register(components, { id: "Point" })

const renderPoint = (point: Point): z.infer<typeof PointShown> => ({
  id: point.id,
  volumeId: point.volumeId,
  sizeBytes: point.sizeBytes,
  role: point.role,
})

const Consistency = z
  .object({
    label: z.enum(["crash", "filesystem", "memory"]),
    pauseMs: z.number(),
    freezeMs: z.number(),
    skewMs: z.number(),
    note: z.string().nullable().describe("What was asked for and could not be had."),
  })
  .register(components, { id: "Consistency" })

const MachineThen = z
  .object({
    memoryMiB: z.int(),
    cpus: z.int(),
    disks: z.array(z.object({ volumeId: uuid, slot: z.int(), role: z.enum(["root", "extra"]) })),
    running: z.boolean(),
  })
  .describe("The machine as it was at that instant.")
  .register(components, { id: "MachineThen" })

const renderMachineThen = (machine: MachineDescription): z.infer<typeof MachineThen> => ({
  memoryMiB: machine.hardware.memoryMiB,
  cpus: machine.hardware.cpus,
  disks: machine.disks.map(({ volumeId, slot, role }) => ({ volumeId, slot, role })),
  running: machine.running,
})

export const Snapshot = z
  .object({
    id: uuid,
    name: z.string(),
    state: z.enum(["creating", "ready", "deleting", "failed"]),
    source,
    parentId: uuid.nullable(),
    points: z.array(PointShown),
    consistency: Consistency.nullable(),
    memory: z.object({ bytes }).nullable().describe("What the guest had in memory, where kept."),
    bytes: z.object({ exclusive: bytes, shared: bytes, freedIfDeleted: bytes }),
    current: z.boolean().describe("Its source's head stands on it."),
    recovery: z.boolean().describe("Keeps what a revert replaced."),
    expiresAt: time.nullable(),
    machine: MachineThen.nullable(),
    ...labels,
    accountId: uuid,
    createdAt: time,
    readyAt: time.nullable(),
    reason: z.string().nullable(),
  })
  .register(components, { id: "Snapshot" })
export const SnapshotPage = pageOf(Snapshot, "SnapshotPage")

export const renderSnapshot = (snapshot: SnapshotView): z.infer<typeof Snapshot> => ({
  id: snapshot.id,
  name: snapshot.name,
  state: snapshot.state,
  source: { kind: snapshot.sourceKind, id: snapshot.sourceId },
  parentId: snapshot.parentId,
  points: snapshot.points.map(renderPoint),
  consistency: snapshot.consistency,
  memory: snapshot.memoryBytes === null ? null : { bytes: snapshot.memoryBytes },
  bytes: snapshot.bytes,
  current: snapshot.current,
  recovery: snapshot.recovery,
  expiresAt: toTimeOrNull(snapshot.expiresAt),
  machine: snapshot.machine === null ? null : renderMachineThen(snapshot.machine),
  ...renderLabels(snapshot),
  accountId: snapshot.accountId,
  createdAt: toTime(snapshot.createdAt),
  readyAt: toTimeOrNull(snapshot.readyAt),
  reason: snapshot.reason,
})

/** All that is left to say of a snapshot that is gone from every list. */
export const SnapshotGoing = z
  .object({ id: uuid, state: z.literal("deleting") })
  .register(components, { id: "SnapshotGoing" })

export const renderSnapshotGoing = (snapshot: SnapshotView): z.infer<typeof SnapshotGoing> => ({
  id: snapshot.id,
  state: "deleting",
})
