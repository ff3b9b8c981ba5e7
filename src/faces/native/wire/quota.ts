import { z } from "zod"
import type { AccountUsage } from "../../../core/core.ts"
import type { Account, Quota } from "../../../domain/account.ts"
import { bytes, components, uuid } from "./words.ts"

const limit = z.int().min(0).max(Number.MAX_SAFE_INTEGER)

const QuotaLimits = z
  .strictObject({
    machines: z.exactOptional(limit),
    volumes: z.exactOptional(limit).describe("Root volumes among them."),
    snapshots: z.exactOptional(limit).describe("Recovery snapshots do not count."),
    logicalBytes: z.exactOptional(limit).describe("The sizes of volumes together."),
    physicalBytes: z
      .exactOptional(limit)
      .describe("Bytes on disk of volumes, snapshots, images and kept memory."),
  })
  .describe("What is left out has no limit.")
  .register(components, { id: "Quota" })

export const QuotaWish = QuotaLimits.nullable().describe(
  "It replaces the quota that was there; null: the service's own counts again.",
)

/** An account is named as people name it; there is no telling apart what is no name at all. */
export const AccountRef = z.strictObject({
  ref: z.string().max(255).describe("Login, tenant id or account number."),
})

export const AccountQuota = z
  .object({ id: uuid, login: z.string(), quota: QuotaLimits.nullable() })
  .describe("The account's own quota; null where the service's counts.")
  .register(components, { id: "AccountQuota" })

export const renderAccountQuota = (account: Account): z.infer<typeof AccountQuota> => ({
  id: account.id,
  login: account.login,
  quota: account.quota,
})

const count = z.int().min(0)

export const Usage = z
  .object({
    accountId: uuid,
    login: z.string(),
    used: z.object({
      machines: count,
      volumes: count,
      snapshots: count,
      logicalBytes: bytes,
      physicalBytes: bytes.describe("What work under way has set aside counts as used."),
    }),
    quota: QuotaLimits,
  })
  .describe("What the account uses, and what it may; what `quota` leaves out has no limit.")
  .register(components, { id: "Usage" })

export const renderUsage = ({ account, used, quota }: AccountUsage): z.infer<typeof Usage> => ({
  accountId: account.id,
  login: account.login,
  used: renderAmounts(used),
  quota,
})

const renderAmounts = (used: Required<Quota>) => ({
  machines: used.machines,
  volumes: used.volumes,
  snapshots: used.snapshots,
  logicalBytes: used.logicalBytes,
  physicalBytes: used.physicalBytes,
})
