/** Machines, as they are wished for and as they are told. */
import { z } from "zod"
import type { MachineView } from "../../../core/core.ts"
import { flavors } from "../flavors.ts"
import {
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

/** More than any machine takes; how many those are, the core says. */
const mostDisks = 64

/**
 * A generated client requires both image and imageRef, both flavor and flavorRef; one of each
 * pair is enough. Placement, network cards and deployments are accepted and mean nothing here;
 * what could not be left out without harm is refused.
 */
export const MachineSpecification = z.object({
  name: z.string().min(1),
  projectId: z.exactOptional(z.string()),
  image: z.exactOptional(z.string()),
  imageRef: z.exactOptional(z.string()),
  flavor: z.exactOptional(z.string()),
  flavorRef: z.exactOptional(z.string()),
  description: z.exactOptional(z.string()),
  machineCount: z.exactOptional(z.int().refine((count) => count === 1, { error: "must be 1" })),
  disks: z
    .array(z.object({ blockDeviceId: z.string() }))
    .max(mostDisks)
    .default([]),
  tags: z.exactOptional(Tags),
  customProperties: z.exactOptional(Properties),
  bootConfig: impossible("no guest here reads it"),
  saltConfiguration: impossible("no guest here reads it"),
  remoteAccess: impossible("what its image has is what counts"),
})

export const MachineUpdate = z.object({
  description: z.exactOptional(z.string()),
  tags: z.exactOptional(Tags),
  customProperties: z.exactOptional(Properties),
  bootConfig: impossible("no guest here reads it"),
})

/** These tell what is; writing them changes nothing. */
const telling = ["cpuCount", "memoryInMB", "imageId", "flavor"]

export const writable = (properties: Record<string, string>): Record<string, string> =>
  Object.fromEntries(Object.entries(properties).filter(([key]) => !telling.includes(key)))

/** What may be done: nothing by one who may only look, no snapshot where there is no room for it. */
export type Allowed = { changes: boolean; snapshots: boolean; reverts: readonly string[] }

/** `allowed`: null leaves out the links that tell it. */
export function renderMachine(machine: MachineView, owner: Owner, allowed: Allowed | null) {
  const { id, name, description, hardware, metadata } = machine
  const { memoryMiB, cpus } = hardware
  const flavor = flavors.find((each) => each.memoryMiB === memoryMiB && each.cpus === cpus)
  const properties = {
    cpuCount: `${cpus}`,
    memoryInMB: `${memoryMiB}`,
    imageId: machine.imageId,
    ...(flavor === undefined ? {} : { flavor: flavor.name }),
  }
  const provisioningStatus = provisioningOf(machine)
  return {
    id,
    name,
    description,
    hostname: name,
    powerState: powerOf(machine),
    ...(provisioningStatus === undefined ? {} : { provisioningStatus }),
    externalId: id,
    externalRegionId: place,
    externalZoneId: place,
    projectId: owner.tenantId,
    ...owned(owner),
    createdAt: toDate(machine.createdAt),
    tags: renderTags(machine.tags),
    customProperties: { ...renderProperties(writable(metadata)), ...properties },
    _links: linksOf(machine, owner, allowed && allowedNow(machine, allowed)),
  }
}

function powerOf({ state }: MachineView): string {
  if (state === "running") return "ON"
  return state === "stopped" ? "OFF" : "UNKNOWN"
}

function provisioningOf({ state }: MachineView): string | undefined {
  if (state === "failed") return undefined
  return state === "creating" || state === "deleting" ? "PROVISIONING" : "READY"
}

const whileOn = ["power-off", "shutdown", "reset", "reboot", "restart"]
const whileOff = ["power-on"]

function allowedNow(
  { id, state }: MachineView,
  { changes, snapshots, reverts }: Allowed,
): string[] {
  if (!changes || (state !== "running" && state !== "stopped")) return []
  const words = [
    ...(state === "running" ? whileOn : whileOff),
    ...(snapshots ? ["snapshots"] : []),
    "resize",
    ...reverts.map((snapshot) => `revert/${snapshot}`),
  ]
  return words.map((word) => `${paths.machine(id)}/operations/${word}`)
}

function linksOf(machine: MachineView, owner: Owner, operations: string[] | null): Links {
  const self = paths.machine(machine.id)
  return {
    self: { href: self },
    ...(operations === null ? {} : { operations: { hrefs: operations } }),
    project: { href: paths.project(owner.tenantId) },
    "network-interfaces": { hrefs: [] },
    disks: { hrefs: machine.disks.map((disk) => `${self}/disks/${disk.id}`) },
    snapshots: { href: `${self}/snapshots` },
  }
}
