/**
 * Bytes from outside become a point. They are received into a volume that nobody knows of, so
 * that a stream cut off in its middle touches nothing that anybody has.
 */
import type { PointId, VolumeId } from "../domain/ids.ts"
import type { ByteSource } from "../engines/engine.ts"
import type { Tools } from "./tools.ts"
import { watchOf } from "./watch.ts"

export type Receiving = {
  engine: string
  /** The volume that only this operation knows. */
  stagingId: VolumeId
  pointId: PointId
  sizeBytes: number
}

/** Where the point is there already, the source is not asked for: it can be read only once. */
export async function receive(
  tools: Tools,
  { engine: name, stagingId, pointId, sizeBytes }: Receiving,
  source: () => ByteSource,
): Promise<void> {
  const engine = tools.engine(name)
  if (!(await engine.hasPoint(pointId))) {
    const from = source()
    await engine.createHead(stagingId, { sizeBytes })
    await engine.write(stagingId, from, watchOf(tools, "received"))
    await engine.createPoint(stagingId, pointId)
  }
  await engine.dropHead(stagingId)
}

export async function unreceive(
  tools: Tools,
  { engine: name, stagingId, pointId }: Receiving,
): Promise<void> {
  const engine = tools.engine(name)
  await engine.dropHead(stagingId)
  await engine.dropPoint(pointId)
}
