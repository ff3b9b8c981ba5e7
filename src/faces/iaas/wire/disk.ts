/** Block devices, and their snapshots: one of these is one volume's part of a snapshot. */
import { z } from "zod"
import type { PointView } from "../../../core/core.ts"
import { largestVolumeBytes, type Volume } from "../../../domain/volume.ts"
import {
  gibibyte,
  impossible,
  type Links,
  type Owner,
  owned,
  Properties,
  paths,
  place,
  renderProperties,
  renderTags,
  Tags,
  toDate,
} from "./words.ts"

export const mostGigabytes = largestVolumeBytes / gibibyte

export const BlockDeviceSpecification = z.object({
  name: z.string().min(1),
  projectId: z.exactOptional(z.string()),
  capacityInGB: z.int().min(1).max(mostGigabytes),
  description: z.exactOptional(z.string()),
  persistent: z.boolean().default(false),
  encrypted: impossible("disks are kept as they are written"),
  sourceReference: impossible("a disk begins empty"),
  diskContentBase64: impossible("a disk begins empty"),
  tags: z.exactOptional(Tags),
  customProperties: Properties.default({}),
})

/** A persistent one is deleted only by who says so twice; kept with it, and shown in its own word. */
const persistence = { __persistent: "true" }
export const persistenceOf = (persistent: boolean): Record<string, string> =>
  persistent ? persistence : {}
export const isPersistent = ({ metadata }: Volume): boolean => metadata["__persistent"] === "true"

export function renderDisk(volume: Volume, owner: Owner) {
  const { id, name, description } = volume
  return {
    id,
    name,
    description,
    capacityInGB: Math.ceil(volume.sizeBytes / gibibyte),
    status: volume.machineId === null ? "AVAILABLE" : "ATTACHED",
    type: "HDD",
    persistent: isPersistent(volume),
    ...(volume.state === "failed"
      ? {}
      : { provisioningStatus: isMoving(volume) ? "PROVISIONING" : "READY" }),
    externalId: id,
    externalRegionId: place,
    externalZoneId: place,
    projectId: owner.tenantId,
    ...owned(owner),
    createdAt: toDate(volume.createdAt),
    tags: renderTags(volume.tags),
    customProperties: renderProperties(volume.metadata),
    _links: diskLinks(volume, owner),
  }
}

const isMoving = ({ state }: Volume) => state === "creating" || state === "deleting"

function diskLinks({ id, machineId, state }: Volume, owner: Owner): Links {
  const self = paths.blockDevice(id)
  const hasBytes = state === "available" || state === "in-use"
  const operations = hasBytes ? [`${self}/operations/snapshots`] : []
  return {
    self: { href: self },
    operations: { hrefs: operations },
    project: { href: paths.project(owner.tenantId) },
    ...(machineId === null ? {} : { machine: { href: paths.machine(machineId) } }),
    snapshots: { href: `${self}/snapshots` },
  }
}

export const DiskSnapshotSpecification = z.object({
  name: z.string().default(""),
  description: z.string().default(""),
  snapshotProperties: Properties.default({}),
  tags: z.exactOptional(Tags),
})

/** Its description is called `desc`; whether it is the current one is a text among its properties. */
export function renderDiskSnapshot(
  { point, snapshot }: Pick<PointView, "point" | "snapshot">,
  isCurrent: boolean,
  owner: Owner,
) {
  const revert = `${paths.blockDevice(point.volumeId)}/operations/revert?id=${point.id}`
  return {
    id: point.id,
    name: snapshot.name,
    desc: snapshot.description,
    snapshotProperties: { ...renderProperties(snapshot.metadata), isCurrent: String(isCurrent) },
    tags: renderTags(snapshot.tags),
    createdAt: toDate(snapshot.createdAt),
    ...(snapshot.readyAt === null ? {} : { updatedAt: toDate(snapshot.readyAt) }),
    ...owned(owner),
    _links: {
      self: { href: paths.diskSnapshot(point.volumeId, point.id) },
      "block-device": { href: paths.blockDevice(point.volumeId) },
      operations: { hrefs: snapshot.state === "ready" ? [revert] : [] },
    } satisfies Links,
  }
}
