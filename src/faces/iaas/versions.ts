/** `apiVersion`: which versions there are, and what a request may say. */
import { no, ok, type Result } from "../../domain/fault.ts"

export const apiVersions = ["2019-01-15", "2021-07-15"] as const
export const latestVersion = "2021-07-15"

/** Both are served alike. Without one the latest is meant, but where the API says it is required. */
export function checkVersion(version: string | undefined, needed: boolean): Result<null> {
  if (version === undefined) return needed ? refused("is required here") : ok(null)
  const known: readonly string[] = apiVersions
  return known.includes(version) ? ok(null) : refused(`must be ${apiVersions.join(" or ")}`)
}

const refused = (why: string) => no({ kind: "invalid", field: "apiVersion", why })
