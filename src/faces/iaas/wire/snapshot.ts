/**
 * Snapshots of machines. The API's own shape has neither a tree nor a memory: its links are a free
 * map, so parent and children are links, and the rest are members that strict clients pass over.
 */
import { z } from "zod"
import type { SnapshotView } from "../../../core/core.ts"
import type { MachineId } from "../../../domain/ids.ts"
import {
  type Links,
  type Owner,
  owned,
  Properties,
  paths,
  renderProperties,
  toDate,
} from "./words.ts"

/** Generated clients send ids, owners and links of what does not exist yet; nobody reads them. */
export const SnapshotSpecification = z.object({
  name: z.string().default(""),
  description: z.string().default(""),
  snapshotMemory: z.boolean().default(false),
  customProperties: Properties.default({}),
})

/** A snapshot among its kin: only what this face shows is linked to. */
export type SnapshotInTree = {
  snapshot: SnapshotView
  isCurrent: boolean
  parentId: string | null
  childIds: readonly string[]
}

export function renderSnapshot(machine: MachineId, tree: SnapshotInTree, owner: Owner) {
  const { snapshot, isCurrent, parentId } = tree
  return {
    id: snapshot.id,
    name: snapshot.name,
    description: snapshot.description,
    isCurrent,
    createdAt: toDate(snapshot.createdAt),
    ...(snapshot.readyAt === null ? {} : { updatedAt: toDate(snapshot.readyAt) }),
    ...owned(owner),
    customProperties: renderProperties(snapshot.metadata),
    snapshotMemory: snapshot.memoryBytes !== null,
    provisioningStatus: snapshot.state === "ready" ? "READY" : "PROVISIONING",
    ...(parentId === null ? {} : { parentId }),
    ...(snapshot.consistency === null ? {} : { consistency: consistencyOf(snapshot.consistency) }),
    sizeInBytes: snapshot.bytes.exclusive + snapshot.bytes.shared,
    freedIfDeletedInBytes: snapshot.bytes.freedIfDeleted,
    _links: linksOf(machine, tree),
  }
}

/** How it was taken: for how long the guest stood still, in milliseconds, and what it can promise. */
function consistencyOf({ label, pauseMs, freezeMs, skewMs, note }: Consistency) {
  return { label, pauseMs, freezeMs, skewMs, ...(note === null ? {} : { note }) }
}
type Consistency = NonNullable<SnapshotView["consistency"]>

function linksOf(machine: MachineId, { snapshot, parentId, childIds }: SnapshotInTree): Links {
  const path = (id: string) => paths.machineSnapshot(machine, id)
  const revert = `${paths.machine(machine)}/operations/revert/${snapshot.id}`
  return {
    self: { href: path(snapshot.id) },
    machine: { href: paths.machine(machine) },
    ...(parentId === null ? {} : { parent: { href: path(parentId) } }),
    children: { hrefs: childIds.map(path) },
    operations: { hrefs: snapshot.state === "ready" ? [revert] : [] },
  }
}
