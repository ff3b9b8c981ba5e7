/** What the memory engine remembers of heads and points. */
import type { EngineMemoryTx } from "../../domain/engine-memory.ts"
import { Refusal } from "../../domain/fault.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"

export type Head = { volume: VolumeId; layer: string; armed: string | null; sizeBytes: number }
export type Point = { id: PointId; layer: string; volume: VolumeId }

export async function head(tx: EngineMemoryTx, volume: VolumeId): Promise<Head | undefined> {
  return (await tx.get("volume", volume))?.body as Head | undefined
}

export async function headOf(tx: EngineMemoryTx, volume: VolumeId): Promise<Head> {
  const found = await head(tx, volume)
  if (found !== undefined) return found
  throw new Refusal({ kind: "not-found", what: "volume", id: volume })
}

export async function point(tx: EngineMemoryTx, id: PointId): Promise<Point | undefined> {
  return (await tx.get("point", id))?.body as Point | undefined
}

export async function pointOf(tx: EngineMemoryTx, id: PointId): Promise<Point> {
  const found = await point(tx, id)
  if (found !== undefined) return found
  throw new Refusal({ kind: "not-found", what: "point", id })
}

export const putHead = (tx: EngineMemoryTx, body: Head): Promise<void> =>
  tx.put({ kind: "volume", id: body.volume, parent: null, body })
export const putPoint = (tx: EngineMemoryTx, body: Point): Promise<void> =>
  tx.put({ kind: "point", id: body.id, parent: null, body })
