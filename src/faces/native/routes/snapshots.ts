import type { z } from "zod"
import type { Core } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import type { SnapshotId } from "../../../domain/ids.ts"
import type { Answer, Route } from "../../face.ts"
import { accepted, page, shown } from "../answers.ts"
import { route } from "../route.ts"
import { download } from "../transfer.ts"
import {
  renderSnapshot,
  renderSnapshotGoing,
  Snapshot,
  SnapshotChange,
  SnapshotContentQuery,
  SnapshotGoing,
  SnapshotPage,
  SnapshotQueryRead,
  SnapshotWishRead,
} from "../wire/snapshot.ts"
import {
  DiffQuery,
  Freed,
  FreedWish,
  MapQuery,
  renderChanges,
  SnapshotChanges,
} from "../wire/snapshot-space.ts"
import { startedOf } from "../wire/words.ts"

const tag = "snapshots"
const Started = startedOf(Snapshot, "SnapshotStarted")
const Going = startedOf(SnapshotGoing, "SnapshotRemovalStarted")

export const snapshotRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/api/snapshots",
    tag,
    summary: "Takes a snapshot of a machine or a volume",
    body: SnapshotWishRead,
    answers: { 202: Started },
    answer: async ({ core, asking, body }) =>
      accepted(await core.snapshots.create(asking, body), renderSnapshot),
  }),
  route({
    method: "GET",
    path: "/api/snapshots",
    tag,
    summary: "The account's snapshots, or those of one source",
    query: SnapshotQueryRead,
    answers: { 200: SnapshotPage },
    answer: ({ core, who, query }) =>
      page(query, (one) => core.snapshots.list(who, one), renderSnapshot),
  }),
  route({
    method: "GET",
    path: "/api/snapshots/:id",
    resource: "snapshot",
    tag,
    summary: "One snapshot",
    answers: { 200: Snapshot },
    answer: async ({ core, who, id }) => shown(await core.snapshots.get(who, id), renderSnapshot),
  }),
  route({
    method: "PATCH",
    path: "/api/snapshots/:id",
    resource: "snapshot",
    tag,
    summary: "Changes a snapshot's name and labels",
    body: SnapshotChange,
    answers: { 200: Snapshot },
    answer: async ({ core, asking, id, body }) =>
      shown(await core.snapshots.change(asking, id, body), renderSnapshot),
  }),
  route({
    method: "DELETE",
    path: "/api/snapshots/:id",
    resource: "snapshot",
    tag,
    summary: "Deletes a snapshot, in any order; its bytes go in the background",
    answers: { 202: Going },
    answer: async ({ core, asking, id }) =>
      accepted(await core.snapshots.remove(asking, id), renderSnapshotGoing),
  }),
  route({
    method: "GET",
    path: "/api/snapshots/:id/content",
    resource: "snapshot",
    lasting: true,
    tag,
    summary: "The content of one of its volumes, as a stream",
    query: SnapshotContentQuery,
    answers: { 200: "application/octet-stream" },
    answer: ({ core, asking, id, query: { format, volumeId }, request }) =>
      download(request, format, (sink) => {
        const volume = volumeId === undefined ? {} : { volume: volumeId }
        return core.snapshots.exportTo(asking, { id, ...volume, sink })
      }),
  }),
  route({
    method: "GET",
    path: "/api/snapshots/:id/diff",
    resource: "snapshot",
    lasting: true,
    tag,
    summary: "What became different from this snapshot to another",
    query: DiffQuery,
    answers: { 200: SnapshotChanges },
    answer: ({ core, who, id, query: { to, ...query } }) =>
      changes(core, who, { from: id, to }, query),
  }),
  route({
    method: "GET",
    path: "/api/snapshots/:id/map",
    resource: "snapshot",
    lasting: true,
    tag,
    summary: "What it holds at all, as a difference from nothing",
    query: MapQuery,
    answers: { 200: SnapshotChanges },
    answer: ({ core, who, id, query }) => changes(core, who, { from: null, to: id }, query),
  }),
  route({
    method: "POST",
    path: "/api/snapshots/freed",
    tag,
    summary: "What deleting these snapshots together would give back; deletes nothing",
    body: FreedWish,
    answers: { 200: Freed },
    answer: async ({ core, who, body }) =>
      shown(await core.snapshots.freed(who, body.snapshotIds), (freedIfDeleted) => ({
        freedIfDeleted,
      })),
  }),
]

async function changes(
  core: Core,
  who: Principal,
  ends: { from: SnapshotId | null; to: SnapshotId },
  { volumeId, ...page }: z.output<typeof MapQuery>,
): Promise<Result<Answer>> {
  const volume = volumeId === undefined ? {} : { volume: volumeId }
  const found = await core.snapshots.changes(who, { ...ends, ...volume })
  if (!found.ok) return found
  const told = renderChanges(ends, found.value, page)
  return told.ok ? ok({ status: 200, body: told.value }) : told
}
