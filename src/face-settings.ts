/** The faces' own tables in the TOML file, and what they are where nobody says. */
import { z } from "zod"
import { duration } from "./amounts.ts"
import type { FaceSettings } from "./faces/settings.ts"

const word = z.string().regex(/^[\w.-]{1,64}$/, "1 to 64 letters, digits and . _ -")
const gib = z.int().min(1).max(65_536)

/** Cinder knows more types than we; here they differ in their names and bounds alone. */
const volumeType = z
  .strictObject({ name: word, minGiB: gib.default(1), maxGiB: gib.default(65_536) })
  .refine(({ minGiB, maxGiB }) => minGiB <= maxGiB, "minGiB is larger than maxGiB")

export const faceTables = {
  cloudapi: z
    .strictObject({
      smartmachineOnly: z.boolean(),
      readyWord: z.enum(["created", "success"]),
      datacenter: word,
      sha1Signatures: z.boolean(),
    })
    .partial()
    .optional(),
  openstack: z
    .strictObject({
      region: word,
      v1CreateStatus: z.union([z.literal(200), z.literal(201)]),
      v1ExtendedOnCreate: z.boolean(),
      volumeTypes: z.array(volumeType).min(1).max(32),
      /** Types and bounds as a cloud had them, where none are written. */
      profile: z.enum(["plain", "rackspace"]),
      tokenLife: duration,
      keystone: z.strictObject({
        url: z.url(),
        userName: z.string().min(1),
        password: z.string().min(1),
        project: z.string().min(1),
      }),
    })
    .partial()
    .optional(),
  iaas: z
    .strictObject({
      maxSnapshots: z.int().min(1).max(10_000),
      onLimit: z.enum(["fail", "replace-oldest"]),
      tokenLife: duration,
    })
    .partial()
    .optional(),
  hostway: z
    .strictObject({
      pendingCreateTime: z.enum(["", "0000-00-00 00:00:00"]),
      listStatus: z.union([z.literal(200), z.literal(202)]),
      maxSnapshots: z.int().min(1).max(10_000),
    })
    .partial()
    .optional(),
}

const profiles = {
  plain: [{ name: "SATA" }, { name: "SSD" }],
  rackspace: [
    { name: "SATA", minGiB: 75, maxGiB: 1024 },
    { name: "SSD", minGiB: 50, maxGiB: 1024 },
  ],
} as const

const tables = z.object(faceTables)
const hour = 3_600_000

export function faceSettings(written: z.infer<typeof tables>): FaceSettings {
  const { cloudapi, openstack, iaas, hostway } = written
  return {
    cloudapi: {
      smartmachineOnly: cloudapi?.smartmachineOnly ?? false,
      readyWord: cloudapi?.readyWord ?? "created",
      datacenter: cloudapi?.datacenter ?? "tintype",
      sha1Signatures: cloudapi?.sha1Signatures ?? true,
    },
    openstack: {
      region: openstack?.region ?? "DFW",
      v1CreateStatus: openstack?.v1CreateStatus ?? 200,
      v1ExtendedOnCreate: openstack?.v1ExtendedOnCreate ?? true,
      volumeTypes:
        openstack?.volumeTypes ??
        profiles[openstack?.profile ?? "plain"].map((type) => volumeType.parse(type)),
      tokenLifeMs: openstack?.tokenLife ?? 24 * hour,
      keystone: openstack?.keystone ?? null,
    },
    iaas: {
      maxSnapshots: iaas?.maxSnapshots ?? 32,
      onLimit: iaas?.onLimit ?? "fail",
      tokenLifeMs: iaas?.tokenLife ?? 8 * hour,
    },
    hostway: {
      pendingCreateTime: hostway?.pendingCreateTime ?? "",
      listStatus: hostway?.listStatus ?? 200,
      maxSnapshots: hostway?.maxSnapshots ?? 3,
    },
  }
}
