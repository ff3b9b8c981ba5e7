/** An image goes; machines made from it have their own boot files and stand on its point's bytes. */
import type { ImageId, PointId } from "../../domain/ids.ts"
import type { MachineKind } from "../../domain/machine.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"

export type ImageDelete = { imageId: ImageId; pointId: PointId; engine: string; kind: MachineKind }

export const imageDelete = saga<Tools, ImageDelete>("image-delete", 1).step("drop", {
  forwardOnly: true,
  async do(tools, { imageId, pointId, engine, kind }) {
    await tools.engine(engine).dropPoint(pointId)
    await tools.host(kind).dropBootFiles(imageId)
  },
  record: (rooms, { imageId }) => rooms.images.remove(imageId),
})
