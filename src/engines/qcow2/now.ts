/**
 * Single records as they are now, outside of any transaction: they may be others by the time they
 * are used, so whoever builds on one looks again when it commits.
 */
import type { EngineMemory } from "../../domain/engine-memory.ts"
import type { PointId, VolumeId } from "../../domain/ids.ts"
import { type Head, type Point, readHead, readPoint } from "./tree.ts"

export async function headNow(memory: EngineMemory, volume: VolumeId): Promise<Head | undefined> {
  const record = await memory.get("volume", volume)
  return record && readHead(record)
}

export async function pointNow(memory: EngineMemory, id: PointId): Promise<Point | undefined> {
  const record = await memory.get("point", id)
  return record && readPoint(record)
}
