/** What making a volume takes: where its bytes come from, how large it is to be, room for it. */
import type { Principal } from "../domain/account.ts"
import { Refusal, type Result } from "../domain/fault.ts"
import { newId, type PointId, type VolumeId } from "../domain/ids.ts"
import { labelsOf } from "../domain/labels.ts"
import type { Point } from "../domain/snapshot.ts"
import type { Volume } from "../domain/volume.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { volumeClone } from "../operations/volume/clone.ts"
import { volumeCreate } from "../operations/volume/create.ts"
import { accept } from "./accept.ts"
import { mustBeClaimed } from "./claims.ts"
import type { Context } from "./context.ts"
import type { Asking, Started, VolumeWish } from "./core.ts"
import { mustBeLabels } from "./labels.ts"
import { mustBeFree, mustBeName } from "./names.ts"
import { mustFit, smallBytes } from "./quota.ts"
import { shownVolume } from "./shown.ts"
import { shownPoint } from "./snapshot-points.ts"
import { readyPoint } from "./snapshot-rows.ts"
import { mustBeIn, mustBeSize, mustBeType } from "./volume-rules.ts"

export function createVolume(
  context: Context,
  asking: Asking,
  wish: VolumeWish,
): Promise<Result<Started<Volume>>> {
  return accept(context, asking, {
    saga: "cloneOf" in wish ? volumeClone : volumeCreate,
    plan: async (rooms) => {
      mustBeName(wish.name, wish.nameRule)
      mustBeLabels(wish)
      mustBeType(wish.type ?? null)
      const { accountId } = asking.who
      const alike = { accountId, name: wish.name }
      await mustBeFree(wish.nameRule, "volume", wish.name, () => rooms.volumes.find(alike))
      const origin = await originOf(rooms, asking.who, wish)
      const sizeBytes = sizeOf(wish, origin)
      const id = newId<"volume">(context.clock())
      const reserves = await mustFit(rooms, context, {
        accountId,
        source: { kind: "volume", id },
        takes: { volumes: 1, logicalBytes: sizeBytes },
        bytes: smallBytes,
      })
      const volume = rowOf(context, asking, wish, { id, sizeBytes, origin })
      await rooms.volumes.add(volume)
      return {
        resource: volume,
        accountId,
        target: { kind: "volume", id },
        holds: [id, ...(origin?.holds ?? [])],
        params: { volumeId: id, engine: volume.engine, sizeBytes, ...paramsOf(context, origin) },
        reserves,
      }
    },
  })
}

/** What its bytes are at first; null: nothing. All of it is held while the volume is made. */
type Origin =
  | { kind: "point"; point: Point; engine: string; sizeBytes: number; holds: string[] }
  | { kind: "volume"; originId: VolumeId; engine: string; sizeBytes: number; holds: string[] }
  | null

async function originOf(rooms: Rooms, who: Principal, wish: VolumeWish): Promise<Origin> {
  if ("cloneOf" in wish) return await cloned(rooms, who, wish.cloneOf)
  const point = await pointOf(rooms, who, wish)
  if (point === null) return null
  const { engine, sizeBytes, snapshotId } = point
  return { kind: "point", point, engine, sizeBytes, holds: [snapshotId] }
}

async function pointOf(rooms: Rooms, who: Principal, wish: VolumeWish): Promise<Point | null> {
  if ("snapshotId" in wish) return await readyPoint(rooms, who, wish.snapshotId, wish.volumeId)
  return "pointId" in wish ? await usablePoint(rooms, who, wish.pointId) : null
}

/** By the point's own id; what is said of it says nothing of its snapshot. */
async function usablePoint(rooms: Rooms, who: Principal, id: PointId): Promise<Point> {
  const { point, snapshot } = await shownPoint(rooms, who, id)
  mustBeClaimed("point", { ...snapshot, id }, ["ready"])
  if (snapshot.state !== "failed") return point
  throw new Refusal({ kind: "wrong-state", what: "point", id, is: "failed", needs: ["ready"] })
}

/** A volume's machine is held too: its disks may be switched by one operation at a time. */
async function cloned(rooms: Rooms, who: Principal, id: VolumeId): Promise<Origin> {
  const volume = await shownVolume(rooms, who, id)
  const { machineId, engine, sizeBytes } = volume
  mustBeIn(volume, ["creating", "available", "in-use"])
  mustBeClaimed("volume", volume, ["available", "in-use"])
  const holds = [volume.id, ...(machineId === null ? [] : [machineId])]
  return { kind: "volume", originId: id, engine, sizeBytes, holds }
}

/** What it grows from fits into it; beyond that it reads as zeros. */
function sizeOf(wish: VolumeWish, origin: Origin): number {
  const atLeast = origin?.sizeBytes ?? 0
  const bytes = wish.sizeBytes ?? atLeast
  mustBeSize(bytes)
  if (bytes >= atLeast) return bytes
  throw new Refusal({ kind: "size", what: "the volume", bytes, atLeast })
}

function paramsOf({ clock }: Context, origin: Origin) {
  if (origin?.kind !== "volume") return { pointId: origin?.point.id ?? null }
  return { originId: origin.originId, pointId: newId<"point">(clock()) }
}

function rowOf(
  { node, engineName, clock }: Context,
  { who }: Asking,
  wish: VolumeWish,
  { id, sizeBytes, origin }: { id: VolumeId; sizeBytes: number; origin: Origin },
): Volume {
  return {
    id,
    accountId: who.accountId,
    node,
    engine: origin?.engine ?? engineName,
    name: wish.name,
    sizeBytes,
    type: wish.type ?? null,
    state: "creating",
    machineId: null,
    role: "extra",
    slot: null,
    fromImageId: null,
    fromSnapshotId: origin?.kind === "point" ? origin.point.snapshotId : null,
    fromPointId: origin?.kind === "point" ? origin.point.id : null,
    fromVolumeId: origin?.kind === "volume" ? origin.originId : null,
    claim: null,
    ...labelsOf(wish),
    reason: null,
    createdAt: clock(),
  }
}
