import type { Account, SshKey } from "../../../domain/account.ts"
import type { Dialect } from "../versions.ts"
import { timeText } from "./words.ts"

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
