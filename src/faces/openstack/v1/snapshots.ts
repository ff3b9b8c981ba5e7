import type { Core, PointListing, PointView } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import { type PointId, parseId } from "../../../domain/ids.ts"
import type { Answer } from "../../face.ts"
import { snapshotState } from "../states.ts"
import { oneOf, readListing } from "./listing.ts"
import { numbersOf } from "./owners.ts"
import { type Asked, accepted, changeIn, unprocessable, type V1Route } from "./route.ts"
import { readSnapshot, renderExtended, renderSnapshot } from "./snapshot.ts"
import { readCalled } from "./words.ts"

export const snapshotRoutes: readonly V1Route[] = [
  { method: "POST", path: "/snapshots", answer: create },
  { method: "GET", path: "/snapshots", answer: (asked) => list(asked, { extended: false }) },
  ...["detail", "details"].map((name): V1Route => {
    return {
      method: "GET",
      path: `/snapshots/${name}`,
      answer: (asked) => list(asked, { extended: true }),
    }
  }),
  { method: "GET", path: "/snapshots/:id", answer: show },
  { method: "PUT", path: "/snapshots/:id", answer: update },
  { method: "DELETE", path: "/snapshots/:id", answer: remove },
]

async function create(asked: Asked): Promise<Result<Answer>> {
  const { core, asking, settings } = asked
  const wish = readSnapshot(asked)
  if (!wish.ok) return wish.answer
  const started = await core.snapshots.create(asking, wish.value)
  if (!started.ok) return started
  const { resource: snapshot, operation } = started.value
  const [point] = snapshot.points
  if (point === undefined) throw new Error(`the snapshot ${snapshot.id} of a volume has no point`)
  const view = { point, snapshot, progress: operation.progress }
  const told = settings.v1ExtendedOnCreate
    ? renderExtended(view, (await numbersOf(core, [snapshot]))(snapshot))
    : renderSnapshot(point, snapshot)
  return asked.show(settings.v1CreateStatus, { snapshot: told })
}

async function list(asked: Asked, { extended }: { extended: boolean }): Promise<Result<Answer>> {
  const { core, who } = asked
  const page = readListing(asked)
  if (!page.ok) return page.answer
  const only = filters(asked)
  const found =
    only === undefined ? ok([]) : await core.snapshots.points(who, { ...page.value, ...only })
  if (!found.ok) return found
  const snapshots = await rendered(core, found.value, extended)
  return asked.show(200, { snapshots })
}

async function rendered(core: Core, views: readonly PointView[], extended: boolean) {
  if (!extended) return views.map(({ point, snapshot }) => renderSnapshot(point, snapshot))
  const numberOf = await numbersOf(
    core,
    views.map(({ snapshot }) => snapshot),
  )
  return views.map((view) => renderExtended(view, numberOf(view.snapshot)))
}

/** Undefined: nothing can be like that. Filters that this API does not know are not looked at. */
function filters(asked: Asked): Pick<PointListing, "volumeId" | "state"> | undefined {
  const only: Pick<PointListing, "volumeId" | "state"> = {}
  const volume = oneOf(asked, "volume_id")
  if (volume !== undefined) {
    const volumeId = parseId<"volume">(volume)
    if (volumeId === undefined) return undefined
    only.volumeId = volumeId
  }
  const status = oneOf(asked, "status")
  if (status !== undefined) {
    const state = snapshotState(status)
    if (state === undefined) return undefined
    only.state = state
  }
  return only
}

async function show(asked: Asked): Promise<Result<Answer>> {
  const found = await findSnapshot(asked)
  if (!found.ok) return found
  const numberOf = await numbersOf(asked.core, [found.value.snapshot])
  return asked.show(200, { snapshot: renderExtended(found.value, numberOf(found.value.snapshot)) })
}

async function update(asked: Asked): Promise<Result<Answer>> {
  const wish = changeIn(asked.body, "snapshot")
  if (wish === undefined) return unprocessable(asked)
  const found = await findSnapshot(asked)
  if (!found.ok) return found
  const called = readCalled(asked, wish)
  if (!called.ok) return called.answer
  const { point, snapshot } = found.value
  const changed = await asked.core.snapshots.change(asked.asking, snapshot.id, called.value)
  if (!changed.ok) return changed
  return asked.show(200, { snapshot: renderSnapshot(point, changed.value) })
}

async function remove(asked: Asked): Promise<Result<Answer>> {
  const id = idOf(asked)
  if (!id.ok) return id
  const started = await asked.core.snapshots.removePoint(asked.asking, id.value)
  return started.ok ? ok(accepted) : started
}

/** The one that the path names. What is no UUID names nothing. */
export async function findSnapshot(asked: {
  core: Core
  who: Principal
  params: Asked["params"]
}): Promise<Result<PointView>> {
  const id = idOf(asked)
  return id.ok ? asked.core.snapshots.point(asked.who, id.value) : id
}

export function idOf({ params }: Pick<Asked, "params">): Result<PointId> {
  const text = params["id"] ?? ""
  const id = parseId<"point">(text)
  return id === undefined ? no({ kind: "not-found", what: "point", id: text }) : ok(id)
}
