/** A snapshot of one volume in the words of v1: what is a point to us. Both directions. */
import type { PointView, SnapshotWish } from "../../../core/core.ts"
import { standingClaim } from "../../../domain/claim.ts"
import { parseId } from "../../../domain/ids.ts"
import type { Point, Snapshot } from "../../../domain/snapshot.ts"
import { statusOf } from "../states.ts"
import { type Asked, bad, good, type Read, unprocessable, wishIn } from "./route.ts"
import { gibOf, readCalled, readId, timeOf, truthOf, wordOf } from "./words.ts"

export const renderSnapshot = (point: Point, snapshot: Snapshot) => ({
  id: point.id,
  display_name: snapshot.name === "" ? null : snapshot.name,
  display_description: snapshot.description === "" ? null : snapshot.description,
  volume_id: point.volumeId,
  status: statusOf(snapshot),
  size: gibOf(point.sizeBytes),
  created_at: timeOf(snapshot.createdAt),
  metadata: snapshot.metadata,
})

/** What the extension of Cinder adds: a true percentage, two decimals until it is whole. */
export const renderExtended = (view: PointView, owner: string) => ({
  ...renderSnapshot(view.point, view.snapshot),
  "os-extended-snapshot-attributes:progress": percent(view),
  "os-extended-snapshot-attributes:project_id": owner,
})

/** Rounded down: it is whole only when it is done. */
const percent = ({ snapshot, progress }: PointView): string =>
  standingClaim(snapshot)?.progress ?? trulyDone(snapshot.state, progress)
const trulyDone = (state: Snapshot["state"], progress: number): string =>
  state === "ready" ? "100%" : `${(Math.floor(progress * 100 + 1e-6) / 100).toFixed(2)}%`

/** States of the volume that a snapshot may be taken in, with force and without. */
const forced = { states: ["available", "in-use"] } as const
const unforced = { states: ["available"] } as const

export function readSnapshot(asked: Asked): Read<SnapshotWish> {
  const wish = wishIn(asked.body, "snapshot")
  if (wish === undefined) return bad(unprocessable(asked))
  const volume = readId(asked, wish, "volume_id")
  if (!volume.ok) return volume
  if (!volume.value) return bad(asked.refuse(400, "'volume_id' must be specified"))
  const force = truthOf(wish["force"] ?? false)
  if (force === undefined) {
    const value = wordOf(wish["force"]).slice(0, 64)
    return bad(asked.refuse(400, `Invalid value '${value}' for force. `))
  }
  const called = readCalled(asked, wish)
  if (!called.ok) return called
  const id = parseId<"volume">(volume.value)
  if (id === undefined) {
    return bad(asked.refuse(404, `Volume ${volume.value} could not be found.`))
  }
  return good({
    name: "",
    ...called.value,
    source: { kind: "volume", id },
    sourceRule: force ? forced : unforced,
  })
}
