import { hasEnded, type Operation } from "../../../domain/operation.ts"

/** What was done to a machine, as far as this API has words for it. */
const actions: Record<string, string> = {
  "machine-create": "provision",
  "machine-start": "start",
  "machine-stop": "stop",
  "machine-reboot": "reboot",
  "machine-resize": "resize",
  "machine-delete": "destroy",
  "machine-revert": "rollback_snapshot",
  "volume-revert": "rollback_snapshot",
  "snapshot-create": "create_snapshot",
  "snapshot-capture": "create_snapshot",
  "snapshot-delete": "delete_snapshot",
}

/** What was changed at once, by the first field of it that this API has a word for. */
const changes: Record<string, string> = {
  name: "rename",
  metadata: "set_metadata",
  tags: "set_tags",
}

function actionOf({ kind, params }: Operation): string | undefined {
  if (kind !== "machine-change") return actions[kind]
  const { fields } = params as { fields: readonly string[] }
  return fields.map((field) => changes[field]).find((action) => action !== undefined)
}

export const isAudited = (operation: Operation): boolean =>
  hasEnded(operation.state) && actionOf(operation) !== undefined

/**
 * Clients that wait look for an entry later than the Date of the reply to their request. A Date
 * has whole seconds, and one that a proxy sets may be a second later than ours: work that ends as
 * soon as it is asked for is written down for the beginning of the second after.
 */
function timeOf({ createdAt, endedAt }: Operation): number {
  const second = Math.floor(createdAt / 1000) * 1000
  return Math.max(endedAt ?? 0, second + 1001)
}

/** By the times that are told; of those alike, by when they really ended. */
export const newestFirst = (one: Operation, other: Operation): number =>
  timeOf(other) - timeOf(one) ||
  (other.endedAt ?? 0) - (one.endedAt ?? 0) ||
  (one.id < other.id ? 1 : -1)

export const renderEntry = (operation: Operation) => ({
  id: operation.id,
  success: operation.state === "done" ? "yes" : "no",
  time: new Date(timeOf(operation)).toISOString(),
  action: actionOf(operation),
  caller: callerOf(operation),
})

function callerOf({ caller }: Operation) {
  if (caller === null) return { type: "operator" }
  const { face, address: ip, key: keyId } = caller
  return face === "cloudapi" ? { type: "signature", ip, keyId } : { type: "token", ip }
}
