/** The snapshots of a machine, whoever took them: all that cover its root volume. */
import type { Core, MachineView, SnapshotListing, SnapshotView } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { ok, type Result } from "../../domain/fault.ts"
import type { Snapshot } from "../../domain/snapshot.ts"
import { bearerOf, keeperOf, mayBeDressed, shownNames } from "./names.ts"

type Place = { core: Core; who: Principal; machine: MachineView }

const pageSize = 1000

export type Named = { name: string; snapshot: SnapshotView }

/** With the names that they have here, the newest first. */
export async function snapshotsOf(place: Place): Promise<Result<Named[]>> {
  const all = await covering(place, {})
  if (!all.ok) return all
  const names = shownNames(all.value)
  const newestFirst = [...all.value].sort((a, b) => (a.id < b.id ? 1 : -1))
  return ok(
    newestFirst.map((snapshot) => ({ name: names.get(snapshot.id) ?? snapshot.name, snapshot })),
  )
}

/** Undefined where none has that name here. However many there are, one is found fast. */
export async function snapshotNamed(
  place: Place,
  name: string,
): Promise<Result<SnapshotView | undefined>> {
  const alike = await covering(place, { name })
  if (!alike.ok) return alike
  const keeper = keeperOf(name, alike.value)
  return keeper !== undefined || !mayBeDressed(name) ? ok(keeper) : await dressedAs(place, name)
}

/** The names of all must be known for that, and the bytes that they hold need not be. */
async function dressedAs(place: Place, name: string): Promise<Result<SnapshotView | undefined>> {
  const { core, who, machine } = place
  const failed = await covering(place, { state: "failed" })
  if (!failed.ok) return failed
  const volumeId = machine.rootVolumeId
  const taken = await everyPage(async (page) => {
    const points = await core.snapshots.points(who, { volumeId, ...page })
    return points.ok
      ? ok(points.value.map(({ point: { id }, snapshot }) => ({ id, snapshot })))
      : points
  })
  if (!taken.ok) return taken
  const all = new Map(failed.value.map((each): [string, Snapshot] => [each.id, each]))
  for (const { snapshot } of taken.value) all.set(snapshot.id, snapshot)
  const found = bearerOf(name, [...all.values()])
  if (found === undefined) return ok(undefined)
  const snapshot = await core.snapshots.get(who, found.id)
  return !snapshot.ok && snapshot.fault.kind === "not-found" ? ok(undefined) : snapshot
}

async function covering(
  { core, who, machine }: Place,
  where: Pick<SnapshotListing, "name" | "state">,
): Promise<Result<SnapshotView[]>> {
  const { id, rootVolumeId } = machine
  const found: SnapshotView[] = []
  for (const source of [
    { kind: "machine", id } as const,
    { kind: "volume", id: rootVolumeId } as const,
  ]) {
    const listing = { ...where, source, recovery: false, limit: pageSize }
    const all = await everyPage((page) => core.snapshots.list(who, { ...listing, ...page }))
    if (!all.ok) return all
    found.push(...all.value)
  }
  return ok(found.filter((snapshot) => covers(snapshot, machine)))
}

/** A point can be taken out of a snapshot; one that failed has none, and still is to be seen. */
const covers = ({ points, state }: SnapshotView, { rootVolumeId }: MachineView) =>
  state === "failed" || points.some(({ volumeId }) => volumeId === rootVolumeId)

export async function everyPage<T extends { id: string }>(
  list: (page: { after?: string; limit: number }) => Promise<Result<T[]>>,
): Promise<Result<T[]>> {
  const all: T[] = []
  for (let after: string | undefined; ; ) {
    const page = await list({ limit: pageSize, ...(after === undefined ? {} : { after }) })
    if (!page.ok) return page
    all.push(...page.value)
    after = page.value.at(-1)?.id
    if (page.value.length < pageSize) return ok(all)
  }
}
