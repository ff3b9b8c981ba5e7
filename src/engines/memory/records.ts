/**
 * What the memory engine remembers:
 *
 *   layer  <layer>   parent: the layer below    {volume, equals}
 *   volume <volume>  parent: its head's layer   {armed, sizeBytes}
 *   point  <point>   parent: the layer it keeps {volume}
 *   upkeep <work>                               {run, layer, volume, committed}
 */
import type { EngineMemoryTx, EngineRecord } from "../../domain/engine-memory.ts"
import { Refusal } from "../../domain/fault.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"

/** `equals`: it was made of a run of layers that live on, and shows what the top of them shows. */
export type Layer = { id: string; parent: string | null; volume: VolumeId; equals: string | null }
export type Head = { volume: VolumeId; layer: string; armed: string | null; sizeBytes: number }
export type Point = { id: PointId; layer: string; volume: VolumeId }
/** Begun upkeep: `layer` shows what the run, the lowest first, shows above what it stands on. */
export type Work = {
  id: string
  run: string[]
  layer: string
  /** Who wrote the top of the run. */
  volume: VolumeId
  committed: Moved | null
}
/** Who stood on the run and came to stand on the new layer, and what nobody needs any more. */
export type Moved = { children: string[]; gone: string[] }

export async function head(tx: EngineMemoryTx, volume: VolumeId): Promise<Head | undefined> {
  const record = await tx.get("volume", volume)
  return record === undefined ? undefined : readHead(record)
}

export async function headOf(tx: EngineMemoryTx, volume: VolumeId): Promise<Head> {
  const found = await head(tx, volume)
  if (found !== undefined) return found
  throw new Refusal({ kind: "not-found", what: "volume", id: volume })
}

export async function point(tx: EngineMemoryTx, id: PointId): Promise<Point | undefined> {
  const record = await tx.get("point", id)
  return record === undefined ? undefined : readPoint(record)
}

export async function pointOf(tx: EngineMemoryTx, id: PointId): Promise<Point> {
  const found = await point(tx, id)
  if (found !== undefined) return found
  throw new Refusal({ kind: "not-found", what: "point", id })
}

export const putLayer = (tx: EngineMemoryTx, { id, parent, volume, equals }: Layer) =>
  tx.put({ kind: "layer", id, parent, body: { volume, equals } })
export const putHead = (tx: EngineMemoryTx, { volume, layer, armed, sizeBytes }: Head) =>
  tx.put({ kind: "volume", id: volume, parent: layer, body: { armed, sizeBytes } })
export const putPoint = (tx: EngineMemoryTx, { id, layer, volume }: Point) =>
  tx.put({ kind: "point", id, parent: layer, body: { volume } })
export const putWork = (tx: EngineMemoryTx, { id, ...body }: Work) =>
  tx.put({ kind: "upkeep", id, parent: null, body })

export const readLayer = ({ id, parent, body }: EngineRecord): Layer => ({
  ...(body as Pick<Layer, "volume" | "equals">),
  id,
  parent,
})

export const readHead = ({ id, parent, body }: EngineRecord): Head => ({
  ...(body as Pick<Head, "armed" | "sizeBytes">),
  volume: id as VolumeId,
  layer: parent as string,
})

export const readPoint = ({ id, parent, body }: EngineRecord): Point => ({
  ...(body as Pick<Point, "volume">),
  id: id as PointId,
  layer: parent as string,
})

export const readWork = ({ id, body }: EngineRecord): Work => ({
  ...(body as Omit<Work, "id">),
  id,
})
