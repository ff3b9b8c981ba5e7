import { z } from "zod"
import type { MachineView } from "../../../core/core.ts"
import type { Account } from "../../../domain/account.ts"
import { parseId } from "../../../domain/ids.ts"
import type { Image } from "../../../domain/image.ts"
import type { MachineState } from "../../../domain/machine.ts"
import type { FaultParams } from "../../read.ts"
import { linksTo, type Place } from "../links.ts"
import { type Flavor, flavorOf, flavorWith } from "./flavor.ts"
import { lastOf, metadata, name, reference, toIso, zone, zoneWish } from "./words.ts"

const imageRef = reference.transform((text, context) => {
  const id = parseId<"image">(text)
  if (id !== undefined) return id
  const params: FaultParams = { fault: { kind: "not-found", what: "image", id: text } }
  context.issues.push({ code: "custom", input: text, params })
  return z.NEVER
})

const flavorRef = reference.transform((text, context): Flavor => {
  const flavor = /^\d{1,9}$/.test(text) ? flavorWith(Number(text)) : undefined
  if (flavor !== undefined) return flavor
  context.issues.push({ code: "custom", input: text, message: "is no flavor that there is" })
  return z.NEVER
})

/** A password for the guest may be sent and is not set: what is inside a server is its owner's. */
export const ServerWish = z.object({
  server: z.object({ name, imageRef, flavorRef, metadata, zone: zoneWish }),
})
export const ServerChange = z.object({ server: z.object({ name }) })

/** One key, which names the action; its value is what the action is told. */
export const ServerAction = z
  .record(z.string(), z.unknown())
  .refine((action) => Object.keys(action).length === 1, { error: "must name one action" })
export const Reboot = z.object({ reboot: z.object({ type: z.enum(["SOFT", "HARD"]) }) })
export const Resize = z.object({ resize: z.object({ flavor: z.object({ id: flavorRef }) }) })

const serverStatuses = ["BUILD", "ACTIVE", "SUSPENDED", "DELETED", "STOPPED", "PROCESSING"] as const
type ServerStatus = (typeof serverStatuses)[number]

/** What a server is called, and what while something is being done to it. */
const shownAs: Record<MachineState, readonly [ServerStatus, ServerStatus?]> = {
  creating: ["BUILD"],
  running: ["ACTIVE", "PROCESSING"],
  stopped: ["STOPPED", "PROCESSING"],
  deleting: ["DELETED"],
  failed: ["DELETED"],
}
const machineStates = Object.keys(shownAs) as MachineState[]

export function statusOf({ state, work }: MachineView): ServerStatus {
  const [atRest, atWork = atRest] = shownAs[state]
  return work === null ? atRest : atWork
}

/** Which states a machine may be in to be shown as one of these. */
export const statesOf = (wanted: readonly ServerStatus[]): MachineState[] =>
  machineStates.filter((state) => wanted.some((status) => shownAs[state].includes(status)))

/** Without a status only those are listed that are in use, or could be. */
const usual: readonly ServerStatus[] = ["ACTIVE", "PROCESSING", "STOPPED"]

/** One that is asked for with nothing after its `=` is not asked for. */
const askedFor = (query: unknown) =>
  Object.fromEntries(Object.entries(query ?? {}).filter(([, value]) => value !== ""))

export const ServerQuery = z.preprocess(
  askedFor,
  z.object({
    name: z.string().max(255).exactOptional(),
    status: z
      .enum(serverStatuses)
      .transform((status): readonly ServerStatus[] => [status])
      .default(usual),
    image: z.string().max(2048).transform(lastOf).exactOptional(),
    zone: z.string().max(255).exactOptional(),
    region: z.string().max(255).exactOptional(),
  }),
)

export const renderInList = ({ id }: MachineView, place: Place) => ({
  id,
  zone: zone.zone,
  links: linksTo(place, "servers", id),
})

/** What else is known: whose it is, and what it was made from, which may be gone. */
export type About = { account: Account | undefined; image: Image | undefined }

export function renderServer(machine: MachineView, { account, image }: About, place: Place) {
  const { id, name, imageId, hardware, node, metadata, createdAt, work } = machine
  const status = statusOf(machine)
  const flavor = flavorOf(hardware)
  const building = status === "BUILD"
  return {
    status,
    updated: null,
    hostId: node,
    addresses: { public: [], private: [] },
    links: linksTo(place, "servers", id),
    image: { id: imageId, name: image?.name ?? "", links: linksTo(place, "images", imageId) },
    userId: String(account?.accountNumber ?? ""),
    flavor: { id: flavor.id, name: flavor.name, links: linksTo(place, "flavors", flavor.id) },
    securityGroup: { id: "", links: [] },
    id,
    zone: zone.zone,
    name,
    adminPass: null,
    created: building ? "" : toIso(createdAt),
    tenantId: null,
    accessIPv4: "",
    accessIPv6: null,
    progress: work?.progress ?? (building ? 0 : 100),
    metadata,
  }
}
