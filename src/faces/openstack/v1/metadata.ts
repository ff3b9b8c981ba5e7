/** The metadata of volumes and snapshots, whole and one by one. POST merges, PUT replaces. */
import type { Change } from "../../../core/core.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import type { Answer } from "../../face.ts"
import { type Asked, accepted, type V1Route, wishIn } from "./route.ts"
import { findSnapshot } from "./snapshots.ts"
import { findVolume } from "./volumes.ts"
import { readMetadata } from "./words.ts"

type Metadata = Record<string, string>

/** What has metadata, as it is, and how it is changed. */
type Owner = { metadata: Metadata; change(change: Change): Promise<Result<Metadata>> }
type Find = (asked: Asked) => Promise<Result<Owner>>

const ofSnapshot: Find = async (asked) => {
  const found = await findSnapshot(asked)
  if (!found.ok) return found
  const { id, metadata } = found.value.snapshot
  return ok({
    metadata,
    async change(wanted) {
      const changed = await asked.core.snapshots.change(asked.asking, id, wanted)
      return changed.ok ? ok(changed.value.metadata) : changed
    },
  })
}

const ofVolume: Find = async (asked) => {
  const found = await findVolume(asked)
  if (!found.ok) return found
  const { id, metadata } = found.value
  return ok({
    metadata,
    async change(wanted) {
      const changed = await asked.core.volumes.change(asked.asking, id, wanted)
      return changed.ok ? ok(changed.value.metadata) : changed
    },
  })
}

export const metadataRoutes: readonly V1Route[] = [
  ...routesOf("/snapshots/:id/metadata", ofSnapshot),
  ...routesOf("/volumes/:id/metadata", ofVolume),
]

function routesOf(path: string, find: Find): V1Route[] {
  const one = `${path}/:key`
  const merging = (metadata: Metadata): Change => ({ merge: { metadata } })
  const replacing = (metadata: Metadata): Change => ({ metadata })
  return [
    { method: "GET", path, answer: (asked) => showAll(asked, find) },
    { method: "POST", path, answer: (asked) => changeAll(asked, find, merging) },
    { method: "PUT", path, answer: (asked) => changeAll(asked, find, replacing) },
    { method: "GET", path: one, answer: (asked) => showOne(asked, find) },
    { method: "PUT", path: one, answer: (asked) => putOne(asked, find) },
    { method: "DELETE", path: one, answer: (asked) => removeOne(asked, find) },
  ]
}

async function showAll(asked: Asked, find: Find): Promise<Result<Answer>> {
  const owner = await find(asked)
  return owner.ok ? asked.show(200, { metadata: owner.value.metadata }) : owner
}

async function changeAll(
  asked: Asked,
  find: Find,
  changeTo: (wished: Metadata) => Change,
): Promise<Result<Answer>> {
  const owner = await find(asked)
  if (!owner.ok) return owner
  const wish = wishIn(asked.body, "metadata")
  if (wish === undefined) return asked.refuse(400, "Malformed request body")
  const wished = readMetadata(asked, wish)
  if (!wished.ok) return wished.answer
  const changed = await owner.value.change(changeTo(wished.value ?? {}))
  return changed.ok ? asked.show(200, { metadata: changed.value }) : changed
}

async function showOne(asked: Asked, find: Find): Promise<Result<Answer>> {
  const owner = await find(asked)
  if (!owner.ok) return owner
  const key = asked.params["key"] ?? ""
  const value = valueUnder(owner.value.metadata, key)
  if (value === undefined) return asked.refuse(404, "Metadata item was not found")
  return asked.show(200, { meta: Object.fromEntries([[key, value]]) })
}

async function putOne(asked: Asked, find: Find): Promise<Result<Answer>> {
  const owner = await find(asked)
  if (!owner.ok) return owner
  const wish = wishIn(asked.body, "meta")
  if (wish === undefined) return asked.refuse(400, "Malformed request body")
  const wished = readMetadata(asked, wish)
  if (!wished.ok) return wished.answer
  const pairs = Object.entries(wished.value ?? {})
  if (pairs.length > 1) return asked.refuse(400, "Request body contains too many items")
  const [pair] = pairs
  if (pair === undefined || pair[0] !== asked.params["key"]) {
    return asked.refuse(400, "Request body and URI mismatch")
  }
  const metadata = Object.fromEntries([pair])
  const changed = await owner.value.change({ merge: { metadata } })
  return changed.ok ? asked.show(200, { meta: metadata }) : changed
}

async function removeOne(asked: Asked, find: Find): Promise<Result<Answer>> {
  const owner = await find(asked)
  if (!owner.ok) return owner
  const { metadata, change } = owner.value
  const key = asked.params["key"] ?? ""
  if (valueUnder(metadata, key) === undefined) {
    return asked.refuse(404, "Metadata item was not found")
  }
  const changed = await change({ merge: { metadata: Object.fromEntries([[key, null]]) } })
  return changed.ok ? ok({ ...accepted, status: 200 }) : changed
}

const valueUnder = (metadata: Metadata, key: string): string | undefined =>
  Object.hasOwn(metadata, key) ? metadata[key] : undefined
