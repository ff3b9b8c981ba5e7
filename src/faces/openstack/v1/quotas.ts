/** Quotas and limits: what an account may use, and uses. A limit that nobody set is -1. */
import type { AccountUsage } from "../../../core/core.ts"
import type { Principal, Quota } from "../../../domain/account.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import type { Answer } from "../../face.ts"
import type { Body } from "../formats.ts"
import { oneOf } from "./listing.ts"
import { type Asked, bad, good, type Read, unprocessable, type V1Route, wishIn } from "./route.ts"
import { bytesOf, gibOf, truthOf, wordOf } from "./words.ts"

/** This API's names for three of our limits. */
const fields = {
  volumes: "volumes",
  snapshots: "snapshots",
  gigabytes: "logicalBytes",
} as const satisfies Record<string, keyof Quota>
type Name = keyof typeof fields
const names = Object.keys(fields) as Name[]

const shown = (name: Name, value: number) =>
  fields[name] === "logicalBytes" ? gibOf(value) : value

type Counted = { in_use: number; limit: number; reserved: number }
type Used = { used: Pick<Required<Quota>, (typeof fields)[Name]>; quota: Quota }

function countedOf({ used, quota }: Used, name: Name): Counted {
  const limit = quota[fields[name]]
  return {
    in_use: shown(name, used[fields[name]]),
    limit: limit === undefined ? -1 : shown(name, limit),
    reserved: 0,
  }
}

export const quotaRoutes: readonly V1Route[] = [
  { method: "GET", path: "/os-quota-sets/:project", answer: showQuota },
  { method: "PUT", path: "/os-quota-sets/:project", answer: setQuota },
  { method: "GET", path: "/limits", answer: showLimits },
]

async function showQuota(asked: Asked): Promise<Result<Answer>> {
  const found = await usageOf(asked)
  if (!found.ok) return found
  const { acting, usage } = found.value
  const detailed = truthOf(oneOf(asked, "usage") ?? "0") === true
  const quotaSet = detailed ? await usedOf(asked, acting, usage) : limitsOf(asked, usage)
  return asked.show(200, { quota_set: { id: asked.params["project"], ...quotaSet } })
}

/** Of the account in the last place of the path, as far as one may look at it. */
async function usageOf({ core, who, params }: Asked) {
  const acting = await core.identity.actFor(who, params["project"] ?? "")
  if (!acting.ok) return acting
  const usage = await core.identity.usage(acting.value)
  return usage.ok ? ok({ acting: acting.value, usage: usage.value }) : usage
}

/** Types have no limits of their own; clients look for them all the same. */
function limitsOf({ settings }: Asked, usage: AccountUsage): object {
  const all = names.flatMap((name) => [
    [name, countedOf(usage, name).limit],
    ...settings.volumeTypes.map((type) => [`${name}_${type.name}`, -1]),
  ])
  return Object.fromEntries(all)
}

async function usedOf({ core, settings }: Asked, acting: Principal, usage: AccountUsage) {
  const all = Object.fromEntries(names.map((name) => [name, countedOf(usage, name)]))
  for (const [nth, { name: type }] of settings.volumeTypes.entries()) {
    // What has no type is shown with the first.
    const used = await core.identity.usageOfTypes(acting, nth === 0 ? [type, null] : [type])
    for (const name of names) all[`${name}_${type}`] = countedOf({ used, quota: {} }, name)
  }
  return all
}

async function setQuota(asked: Asked): Promise<Result<Answer>> {
  const { core, asking, params } = asked
  const wish = wishIn(asked.body, "quota_set")
  if (wish === undefined) return unprocessable(asked)
  const wished = readQuota(asked, wish)
  if (!wished.ok) return wished.answer
  const before = await usageOf(asked)
  if (!before.ok) return before
  const quota = Object.fromEntries(
    Object.entries({ ...before.value.usage.account.quota, ...wished.value }).filter(
      ([, limit]) => limit !== -1,
    ),
  )
  const changed = await core.identity.setQuota(asking, params["project"] ?? "", quota)
  if (!changed.ok) return changed
  const after = await usageOf(asked)
  if (!after.ok) return after
  return asked.show(200, { quota_set: limitsOf(asked, after.value.usage) })
}

function readQuota(asked: Asked, wish: Body): Read<Quota> {
  const quota: Quota = {}
  for (const name of names) {
    const value = wish[name]
    if (value === undefined || value === null) continue
    const limit = /^-?\d{1,15}$/.test(wordOf(value)) ? Number(value) : Number.NaN
    if (!Number.isSafeInteger(limit) || limit < -1) {
      return bad(asked.refuse(400, `Quota limit for ${name} must be an integer, -1 or more`))
    }
    quota[fields[name]] = name === "gigabytes" && limit > 0 ? bytesOf(limit) : limit
  }
  return good(quota)
}

const inLimits = {
  volumes: ["maxTotalVolumes", "totalVolumesUsed"],
  snapshots: ["maxTotalSnapshots", "totalSnapshotsUsed"],
  gigabytes: ["maxTotalVolumeGigabytes", "totalGigabytesUsed"],
} as const satisfies Record<Name, readonly [string, string]>

async function showLimits({ core, who, show }: Asked): Promise<Result<Answer>> {
  const usage = await core.identity.usage(who)
  if (!usage.ok) return usage
  const absolute = names.flatMap((name) => {
    const { limit, in_use } = countedOf(usage.value, name)
    const [most, used] = inLimits[name]
    return [
      [most, limit],
      [used, in_use],
    ]
  })
  return show(200, { limits: { rate: [], absolute: Object.fromEntries(absolute) } })
}
