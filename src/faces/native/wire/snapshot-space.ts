/**
 * Where snapshots differ, a page of extents at a time. A page goes on at a place on a disk, not at
 * a number of an extent: should the storage tell the same in other pieces by then, nothing is
 * told twice and nothing is left out.
 */
import { z } from "zod"
import type { VolumeDiff } from "../../../core/core.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import { parseId, type SnapshotId, type VolumeId } from "../../../domain/ids.ts"
import { bytes, components, idOf, queryNumberOr, told, uuid } from "./words.ts"

const mostExtents = 100_000
const mostSnapshots = 1000

type Place = { volumeId: VolumeId; offset: number }

const place = told(
  z
    .string()
    .max(255)
    .transform((text, context): Place => {
      const [id = "", offset = ""] = Buffer.from(text, "base64url").toString("latin1").split(":")
      const volumeId = parseId<"volume">(id)
      if (volumeId !== undefined && /^\d{1,15}$/.test(offset)) {
        return { volumeId, offset: Number(offset) }
      }
      context.issues.push({ code: "custom", input: text, message: "is not a cursor of this list" })
      return z.NEVER
    }),
  { type: "string", description: "The `next` of the page before." },
)

const placeText = ({ volumeId, offset }: Place): string =>
  Buffer.from(`${volumeId}:${offset}`, "latin1").toString("base64url")

const paging = {
  limit: queryNumberOr(10_000, 1, mostExtents),
  after: z.exactOptional(place),
}
const volumeId = z.exactOptional(idOf("volume")).describe("Of a machine's volumes; all if none.")

export const MapQuery = z.strictObject({ ...paging, volumeId })
export const DiffQuery = z.strictObject({ ...paging, volumeId, to: idOf("snapshot") })

const Extent = z
  .object({ offset: bytes, length: bytes, zero: z.boolean() })
  .describe("`zero`: it reads as zeros now, and there are no bytes to copy.")
  .register(components, { id: "Extent" })

const VolumeChanges = z
  .object({
    volumeId: uuid,
    fromPointId: uuid.nullable().describe("Null: a disk on which nothing was ever written."),
    toPointId: uuid,
    sizeBytes: bytes,
    changedBytes: bytes.describe("Of all pages: to be copied."),
    zeroBytes: bytes.describe("Of all pages: became zeros."),
    extents: z.array(Extent),
  })
  .register(components, { id: "VolumeChanges" })

export const SnapshotChanges = z
  .object({
    from: uuid.nullable(),
    to: uuid,
    volumes: z.array(VolumeChanges),
    next: z.string().nullable(),
  })
  .describe("`next` is null on the last page; every page names all volumes.")
  .register(components, { id: "SnapshotChanges" })

type Ends = { from: SnapshotId | null; to: SnapshotId }

export function renderChanges(
  ends: Ends,
  diffs: readonly VolumeDiff[],
  { limit, after }: { limit: number; after?: Place },
): Result<z.infer<typeof SnapshotChanges>> {
  const start = after === undefined ? 0 : diffs.findIndex((it) => it.volumeId === after.volumeId)
  if (start < 0) return no({ kind: "invalid", why: "is not a cursor of this list", field: "after" })
  let room = limit
  let next: Place | null = null
  const volumes = diffs.map((diff, index) => {
    const from = index === start ? (after?.offset ?? 0) : 0
    const left = index < start ? [] : beyond(diff.changes, from, room + 1)
    const extents = left.slice(0, room)
    room -= extents.length
    const waiting = left[extents.length]
    if (waiting !== undefined) next ??= { volumeId: diff.volumeId, offset: waiting.offset }
    return { ...headOf(diff), extents }
  })
  return ok({ ...ends, volumes, next: next && placeText(next) })
}

type Changes = VolumeDiff["changes"]

/** The first ones from there on; an extent around that place is cut in two. */
function beyond(changes: Changes, from: number, atMost: number): Changes {
  const at = changes.findIndex(({ offset, length }) => offset + length > from)
  if (at < 0) return []
  return changes.slice(at, at + atMost).map(({ offset, length, zero }) => {
    const begin = Math.max(offset, from)
    return { offset: begin, length: offset + length - begin, zero }
  })
}

function headOf({ volumeId, fromPointId, toPointId, sizeBytes, changes }: VolumeDiff) {
  let [changedBytes, zeroBytes] = [0, 0]
  for (const { length, zero } of changes) {
    if (zero) zeroBytes += length
    else changedBytes += length
  }
  return { volumeId, fromPointId, toPointId, sizeBytes, changedBytes, zeroBytes }
}

export const FreedWish = z
  .strictObject({ snapshotIds: z.array(idOf("snapshot")).min(1).max(mostSnapshots) })
  .register(components, { id: "FreedWish" })

export const Freed = z
  .object({ freedIfDeleted: bytes.describe("By all of them together.") })
  .register(components, { id: "Freed" })
