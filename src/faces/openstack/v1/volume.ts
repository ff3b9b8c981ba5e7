/** A volume in the words of v1, and what is wished of a new one. */
import type { VolumeWish } from "../../../core/core.ts"
import { type Id, parseId } from "../../../domain/ids.ts"
import type { Volume } from "../../../domain/volume.ts"
import type { OpenstackSettings, VolumeType } from "../../settings.ts"
import type { Body } from "../formats.ts"
import { statusOf } from "../states.ts"
import { type Asked, bad, good, type Read, unprocessable, wishIn } from "./route.ts"
import { findType } from "./types.ts"
import { bytesOf, gibOf, readCalled, readId, readText, timeOf, wordOf } from "./words.ts"

/** Volumes that no wish of this API made have no type of their own, and show the default one. */
export const renderVolume = (volume: Volume, { volumeTypes }: OpenstackSettings) => ({
  id: volume.id,
  display_name: volume.name === "" ? null : volume.name,
  display_description: volume.description === "" ? null : volume.description,
  status: statusOf(volume),
  size: gibOf(volume.sizeBytes),
  volume_type: volume.type ?? volumeTypes[0]?.name ?? null,
  snapshot_id: volume.fromPointId,
  source_volid: volume.fromVolumeId,
  availability_zone: "nova",
  bootable: volume.fromImageId === null ? "false" : "true",
  created_at: timeOf(volume.createdAt),
  attachments: attachmentsOf(volume),
  metadata: volume.metadata,
})

/** With what Cinder's extensions add where one volume, or all details, are looked at. */
export const renderVolumeDetail = (volume: Volume, owner: string, settings: OpenstackSettings) => ({
  ...renderVolume(volume, settings),
  "os-vol-tenant-attr:tenant_id": owner,
  "os-vol-host-attr:host": volume.node,
  "os-vol-mig-status-attr:migstat": null,
  "os-vol-mig-status-attr:name_id": null,
})

function attachmentsOf({ id, machineId, slot }: Volume): object[] {
  if (machineId === null) return []
  const device = slot === null ? null : `/dev/vd${String.fromCharCode(97 + slot)}`
  return [{ id, volume_id: id, server_id: machineId, host_name: null, device }]
}

/** `typeThere`: of what it is to be made of, which counts where the wish names no other. */
export function readVolume(asked: Asked, typeThere: string | null): Read<VolumeWish> {
  const wish = wishIn(asked.body, "volume")
  if (wish === undefined) return bad(unprocessable(asked))
  if (!isNone(wish["imageRef"])) {
    return bad(asked.refuse(400, "imageRef is not supported: use a snapshot or a volume"))
  }
  const origin = readOrigin(asked, wish)
  if (!origin.ok) return origin
  const called = readCalled(asked, wish)
  if (!called.ok) return called
  const type = readType(asked, wish, typeThere)
  if (!type.ok) return type
  const size = readSize(asked, wish, type.value, origin.value !== undefined)
  if (!size.ok) return size
  const same = { name: "", ...called.value, type: type.value.name }
  const sizeBytes = size.value
  if (origin.value === undefined) return good({ ...same, sizeBytes: sizeBytes ?? 0 })
  return good({ ...same, ...origin.value, ...(sizeBytes === undefined ? {} : { sizeBytes }) })
}

const isNone = (value: unknown) => value === undefined || value === null || value === ""

type Origin = { pointId: Id<"point"> } | { cloneOf: Id<"volume"> }

/** Of what a wish refers to, as far as it is there: what is not is refused by others. */
export async function typeOfOrigin(asked: Asked): Promise<string | null> {
  const wish = wishIn(asked.body, "volume")
  const origin = wish && readOrigin(asked, wish)
  if (origin?.ok !== true || origin.value === undefined) return null
  const { core, who } = asked
  if ("cloneOf" in origin.value) return await typeOfVolume(asked, origin.value.cloneOf)
  const found = await core.snapshots.point(who, origin.value.pointId)
  return found.ok ? await typeOfVolume(asked, found.value.point.volumeId) : null
}

async function typeOfVolume({ core, who }: Asked, id: Id<"volume">): Promise<string | null> {
  const found = await core.volumes.get(who, id)
  return found.ok ? found.value.type : null
}

function readOrigin(asked: Asked, wish: Body): Read<Origin | undefined> {
  const snapshot = readId(asked, wish, "snapshot_id")
  if (!snapshot.ok) return snapshot
  const volume = readId(asked, wish, "source_volid")
  if (!volume.ok) return volume
  if (snapshot.value && volume.value) {
    return bad(asked.refuse(400, "snapshot_id and source_volid cannot both be given"))
  }
  if (snapshot.value) {
    const pointId = parseId<"point">(snapshot.value)
    return pointId === undefined ? bad(noOrigin(asked)) : good({ pointId })
  }
  if (!volume.value) return good(undefined)
  const cloneOf = parseId<"volume">(volume.value)
  return cloneOf === undefined ? bad(noOrigin(asked)) : good({ cloneOf })
}

/** The origin that was wished is not there: this API names it by the field it came in. */
export function noOrigin(asked: Asked) {
  const wish = wishIn(asked.body, "volume") ?? {}
  const what = isNone(wish["snapshot_id"])
    ? `source volume id:${String(wish["source_volid"])}`
    : `snapshot id:${String(wish["snapshot_id"])}`
  return asked.refuse(404, `${what} not found`)
}

function readType(asked: Asked, wish: Body, otherwise: string | null): Read<VolumeType> {
  const asText = typeof wish["volume_type"] === "number" ? `${wish["volume_type"]}` : undefined
  const type = readText(asked, asText === undefined ? wish : { volume_type: asText }, "volume_type")
  if (!type.ok) return type
  const [first] = asked.settings.volumeTypes
  const found = type.value
    ? findType(asked.settings, type.value)
    : (findType(asked.settings, otherwise ?? "") ?? first)
  if (found !== undefined) return good(found)
  return bad(asked.refuse(404, `Volume type with name ${type.value} could not be found.`))
}

function readSize(
  asked: Asked,
  { size }: Body,
  { name, minGiB, maxGiB }: VolumeType,
  hasOrigin: boolean,
): Read<number | undefined> {
  if (hasOrigin && (size === undefined || size === null)) return good(undefined)
  const gib = typeof size === "string" && /^\d{1,9}$/.test(size) ? Number(size) : size
  if (typeof gib !== "number" || !Number.isInteger(gib) || gib < 1) {
    const why = `Volume 'size' needs to be a positive integer value, ${shownSize(size)} cannot be accepted.`
    return bad(asked.refuse(400, why))
  }
  if (gib >= minGiB && gib <= maxGiB) return good(bytesOf(gib))
  const why = `'size' parameter must be between ${minGiB} and ${maxGiB} for volumes of type ${name}`
  return bad(asked.refuse(400, why))
}

/** Numbers with their point, as this API's own examples of refused sizes have them. */
function shownSize(size: unknown): string {
  if (size === undefined || size === null) return "None"
  const word = wordOf(size).slice(0, 32)
  return /^-?\d+$/.test(word) ? `${word}.0` : word
}
