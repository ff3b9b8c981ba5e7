import { z } from "zod"
import type { MachineView } from "../../../core/core.ts"
import type { SnapshotId } from "../../../domain/ids.ts"
import type { Snapshot, SnapshotState } from "../../../domain/snapshot.ts"
import type { HostwaySettings } from "../../settings.ts"
import { linksTo, type Place } from "../links.ts"
import { dressed } from "./snapshot-id.ts"
import { name, text, toStamp } from "./words.ts"

export const SnapshotWish = z.object({ snapshot: z.object({ name, description: text(4096) }) })
export const RestoreWish = z.object({ action: z.literal("restore") })

/** What became of one that failed is not there any more; no word for that is nearer. */
const statuses = {
  creating: "BUILD",
  ready: "ACTIVE",
  deleting: "DELETED",
  failed: "DELETED",
} as const satisfies Record<SnapshotState, string>

/** `parentId`: of the snapshot that it hangs on here, which need not be the one on record. */
export type Shown = { snapshot: Snapshot; parentId: SnapshotId | null }

/**
 * A snapshot's guid is its id everywhere else. The relation is the server itself: all of its
 * snapshots are of one family, for as long as it lives.
 */
export function renderSnapshot(
  { id: serverId }: Pick<MachineView, "id">,
  { snapshot, parentId }: Shown,
  place: Place,
  { pendingCreateTime }: HostwaySettings,
) {
  const id = dressed(serverId, snapshot)
  const { name, description, state, createdAt, reason } = snapshot
  const isThere = state === "ready"
  return {
    id,
    name,
    description,
    status: statuses[state],
    guid: isThere ? snapshot.id : "",
    parent_guid: isThere ? (parentId ?? "") : "",
    relation_guid: isThere ? serverId : "",
    create_time: isThere ? toStamp(createdAt) : pendingCreateTime,
    links: linksTo(place, "servers", serverId, "snapshots", id),
    ...(state === "failed" && { reason: reason ?? "" }),
  }
}
