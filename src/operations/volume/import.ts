/**
 * A detached volume is filled from a file. The bytes are received beside it; then its head moves
 * onto them at once. Until that instant the old content stands, and snapshots stand anyway.
 */
import type { PointId, VolumeId } from "../../domain/ids.ts"
import { dropPoints } from "../points.ts"
import { type Receiving, receive, unreceive } from "../receive.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"
import { mustBeClosed } from "./export.ts"

export type VolumeImport = Receiving & { volumeId: VolumeId; replacedId: PointId }

export const volumeImport = saga<Tools, VolumeImport>("volume-import", 1)
  .step("receive", {
    weight: 20,
    async do(tools, params) {
      await mustBeClosed(tools, params.volumeId)
      // It may have been promised to become larger when this was accepted, and that given up.
      const isBytes = await tools.engine(params.engine).sizeOf(params.volumeId)
      const sizeBytes = isBytes ?? params.sizeBytes
      const source = () => tools.transfers.source(tools.operationId)
      await receive(tools, { ...params, sizeBytes }, source)
    },
    undo: (tools, params) => unreceive(tools, params),
  })
  .step("swap", {
    do: (tools, { engine, volumeId, pointId, replacedId }) =>
      tools.engine(engine).revertHead(volumeId, pointId, replacedId),
    undo: (tools, { engine, volumeId, replacedId }) =>
      tools.engine(engine).unrevertHead(volumeId, replacedId),
  })
  .step("clean", {
    forwardOnly: true,
    do: (tools, { engine, pointId, replacedId }) =>
      dropPoints(tools, [
        { pointId: replacedId, engine },
        { pointId, engine },
      ]),
    async record(rooms, { volumeId }) {
      await rooms.standing.set(volumeId, null)
    },
  })
