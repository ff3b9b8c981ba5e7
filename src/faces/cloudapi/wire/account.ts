import type { AccountUsage } from "../../../core/core.ts"
import type { Account, SshKey } from "../../../domain/account.ts"
import type { Dialect } from "../versions.ts"
import { MiB, timeText } from "./words.ts"

/** Of people's names, addresses and mail nothing is known here. */
export const renderAccount = ({ id, login, createdAt }: Account, dialect: Dialect) => ({
  id,
  login,
  email: "",
  created: timeText(createdAt, dialect),
  updated: timeText(createdAt, dialect),
  triton_cns_enabled: false,
})

export const renderKey = ({ name, fingerprint, publicKey }: SshKey) => ({
  name,
  fingerprint,
  key: publicKey,
  attested: false,
  multifactor: [],
})

/** Of a quota what this API has words for: machines, and MiB of disk. Without a limit, nothing. */
export function renderLimits({ quota, used }: AccountUsage) {
  const limit = (by: string, value: number | undefined, usage: number) =>
    value === undefined ? [] : [{ by, value, used: usage }]
  const { machines, logicalBytes } = quota
  const disk = logicalBytes === undefined ? undefined : Math.floor(logicalBytes / MiB)
  return [
    ...limit("machines", machines, used.machines),
    ...limit("disk", disk, Math.ceil(used.logicalBytes / MiB)),
  ]
}
