import type { Core, VolumeListing, VolumeView } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { type Fault, no, ok, type Result } from "../../../domain/fault.ts"
import { parseId, type VolumeId } from "../../../domain/ids.ts"
import type { Volume } from "../../../domain/volume.ts"
import type { Answer } from "../../face.ts"
import { sayInUse } from "../faults.ts"
import { volumeState } from "../states.ts"
import { oneOf, readListing, thoseThat } from "./listing.ts"
import { carries, type Pairs, readPairs } from "./metadata-filter.ts"
import { numbersOf } from "./owners.ts"
import { type Asked, accepted, changeIn, unprocessable, type V1Route } from "./route.ts"
import { noOrigin, readVolume, renderVolume, renderVolumeDetail, typeOfOrigin } from "./volume.ts"
import { readCalled } from "./words.ts"

export const volumeRoutes: readonly V1Route[] = [
  { method: "POST", path: "/volumes", answer: create },
  ...["", "/detail", "/details"].map((end): V1Route => {
    return { method: "GET", path: `/volumes${end}`, answer: (asked) => list(asked, end !== "") }
  }),
  { method: "GET", path: "/volumes/:id", answer: show },
  { method: "PUT", path: "/volumes/:id", answer: update },
  { method: "DELETE", path: "/volumes/:id", answer: remove },
]

async function create(asked: Asked): Promise<Result<Answer>> {
  const wish = readVolume(asked, await typeOfOrigin(asked))
  if (!wish.ok) return wish.answer
  const started = await asked.core.volumes.create(asked.asking, wish.value)
  if (started.ok) {
    return asked.show(200, { volume: renderVolume(started.value.resource, asked.settings) })
  }
  return started.fault.kind === "not-found" ? noOrigin(asked) : started
}

async function list(asked: Asked, detailed: boolean): Promise<Result<Answer>> {
  const { core, settings } = asked
  const page = readListing(asked)
  if (!page.ok) return page.answer
  const only = filters(asked)
  const pairs = readPairs(oneOf(asked, "metadata") || "{}")
  if (pairs === undefined) return asked.refuse(400, "metadata param must be a set of pairs")
  const found =
    only === undefined ? ok([]) : await carrying(asked, pairs, { ...page.value, ...only })
  if (!found.ok) return found
  const numberOf = await numbersOf(core, found.value)
  const volumes = found.value.map((volume) =>
    detailed
      ? renderVolumeDetail(volume, numberOf(volume), settings)
      : renderVolume(volume, settings),
  )
  return asked.show(200, { volumes })
}

function carrying({ core, who }: Asked, pairs: Pairs, page: VolumeListing) {
  if (Object.keys(pairs).length === 0) return core.volumes.list(who, page)
  const fits = ({ metadata }: Volume) => carries(metadata, pairs)
  return thoseThat(fits, page, (listing) => core.volumes.list(who, { ...page, ...listing }))
}

/** Undefined: nothing can be like that. */
function filters(asked: Asked): Pick<VolumeListing, "state"> | undefined {
  const status = oneOf(asked, "status")
  if (status === undefined) return {}
  const state = volumeState(status)
  return state === undefined ? undefined : { state }
}

async function show(asked: Asked): Promise<Result<Answer>> {
  const found = await findVolume(asked)
  if (!found.ok) return found
  const numberOf = await numbersOf(asked.core, [found.value])
  const volume = renderVolumeDetail(found.value, numberOf(found.value), asked.settings)
  return asked.show(200, { volume })
}

async function update(asked: Asked): Promise<Result<Answer>> {
  const wish = changeIn(asked.body, "volume")
  if (wish === undefined) return unprocessable(asked)
  const id = volumeIdOf(asked)
  if (!id.ok) return id
  const called = readCalled(asked, wish)
  if (!called.ok) return called.answer
  const changed = await asked.core.volumes.change(asked.asking, id.value, called.value)
  if (!changed.ok) return changed
  return asked.show(200, { volume: renderVolume(changed.value, asked.settings) })
}

async function remove(asked: Asked): Promise<Result<Answer>> {
  const id = volumeIdOf(asked)
  if (!id.ok) return id
  const started = await asked.core.volumes.remove(asked.asking, id.value, removal)
  return started.ok ? ok(accepted) : await hindered(asked, id.value, started.fault)
}

const mostNamed = 8

/** What stands in the way, by the ids that it has here: somebody has to delete it first. */
async function hindered(asked: Asked, id: VolumeId, fault: Fault): Promise<Result<Answer>> {
  if (fault.kind !== "in-use" || fault.by.some(({ kind }) => kind === "machine")) return no(fault)
  const page = { volumeId: id, limit: mostNamed }
  const points = await asked.core.snapshots.points(asked.who, page)
  if (!points.ok || points.value.length === 0) return no(fault)
  const named = points.value.map(({ point }) => point.id).join(", ")
  const more = fault.by.length > mostNamed ? " and others" : ""
  return asked.refuse(400, `${sayInUse(fault)}: ${named}${more}.`)
}

/** What a revert left hinders nothing here: nobody who asks here ever saw it. */
export const removal = { cascade: false, recovery: "goes-along" } as const

export async function findVolume(asked: {
  core: Core
  who: Principal
  params: Asked["params"]
}): Promise<Result<VolumeView>> {
  const id = volumeIdOf(asked)
  return id.ok ? asked.core.volumes.get(asked.who, id.value) : id
}

export function volumeIdOf({ params }: Pick<Asked, "params">): Result<VolumeId> {
  const text = params["id"] ?? ""
  const id = parseId<"volume">(text)
  return id === undefined ? no({ kind: "not-found", what: "volume", id: text }) : ok(id)
}
