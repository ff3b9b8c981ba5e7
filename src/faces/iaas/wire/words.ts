/**
 * The words that all things share here: paths, links, owners, tags and custom properties. A
 * project is an account, and so is an organization; there is one zone in one region.
 */
import { z } from "zod"
import type { Core } from "../../../core/core.ts"
import type { AccountId } from "../../../domain/ids.ts"
import type { Labels } from "../../../domain/labels.ts"

export const base = "/iaas/api"
/** The id of the one zone, and the name of the one region. */
export const place = "local"

export const paths = {
  machine: (id: string) => `${base}/machines/${id}`,
  machineSnapshot: (machine: string, id: string) => `${base}/machines/${machine}/snapshots/${id}`,
  blockDevice: (id: string) => `${base}/block-devices/${id}`,
  diskSnapshot: (disk: string, id: string) => `${base}/block-devices/${disk}/snapshots/${id}`,
  tracker: (id: string) => `${base}/request-tracker/${id}`,
  project: (id: string) => `${base}/projects/${id}`,
  zone: `${base}/zones/${place}`,
}

export type Links = Record<string, { href: string } | { hrefs: string[] }>

export type Owner = { login: string; tenantId: string; createdAt: number }

export async function ownerOf(core: Core, id: AccountId): Promise<Owner> {
  const account = await core.identity.account(id)
  if (account === undefined) throw new Error(`account ${id} is gone`)
  return account
}

export const owned = ({ login, tenantId }: Owner) => ({
  owner: login,
  ownerType: "user",
  orgId: tenantId,
})

export const toDate = (epochMs: number): string => new Date(epochMs).toISOString()

export const renderTags = (tags: Labels["tags"]) =>
  Object.entries(tags).map(([key, value]) => ({ key, value: String(value) }))

/** Those that are this service's own begin with two underscores, and are nobody's to see. */
const isInternal = (key: string) => key.startsWith("__")

export const renderProperties = (metadata: Labels["metadata"]): Record<string, string> =>
  Object.fromEntries(Object.entries(metadata).filter(([key]) => !isInternal(key)))

const scalar = z
  .union([z.string(), z.number(), z.boolean()], { error: "must be a text" })
  .transform(String)

export const Properties = z
  .record(z.string(), scalar)
  .transform((all) => Object.fromEntries(Object.entries(all).filter(([key]) => !isInternal(key))))

/** A key that comes twice has its last value. */
export const Tags = z
  .array(z.object({ key: z.string().min(1), value: scalar.default("") }))
  .max(1000)
  .transform((tags) => Object.fromEntries(tags.map(({ key, value }) => [key, value])))

/** A number in a query: generated clients send it as a text, like everything there. */
export const wholeNumber = (atLeast: number, atMost: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, { error: "must be a whole number" })
    .transform(Number)
    .pipe(z.int().min(atLeast).max(atMost))

export const flag = z
  .string()
  .regex(/^(true|false)$/i, { error: "must be true or false" })
  .transform((text) => text.toLowerCase() === "true")

export const gibibyte = 2 ** 30

/** What cannot be had and must not be passed over in silence; clients may send it empty. */
export const impossible = (why: string) =>
  z.exactOptional(
    z.unknown().refine((value) => saysNothing(value), { error: `is not possible: ${why}` }),
  )

/** Nothing within something within something is said at last. */
function saysNothing(value: unknown, depth = 0): boolean {
  if (typeof value !== "object" || value === null) return !value
  return depth < 3 && Object.values(value).every((member) => saysNothing(member, depth + 1))
}
