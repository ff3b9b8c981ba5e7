/**
 * A volume is made as a copy of another, as that is when its turn comes: a point is taken of it,
 * at one instant also where a guest is writing, the copy is a new head on that point, and the
 * point goes again. Instant, whatever the size. Whatever dies meanwhile, either there is a copy or
 * there is a row that says why not, and the other volume is as it was.
 */
import type { PointId, VolumeId } from "../../domain/ids.ts"
import { dropPoints, takeEverywhere, untakeEverywhere, type WantedPoint } from "../points.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"
import { shortenFirst } from "../upkeep.ts"
import { mustBeMade, type NewVolume, recordMade, unrecordMade } from "./create.ts"

export type VolumeClone = NewVolume & {
  originId: VolumeId
  /** Of the engine alone: no snapshot has it, and nobody sees it. */
  pointId: PointId
}

export const volumeClone = saga<Tools, VolumeClone>("volume-clone", 1)
  .step("take", {
    async do(tools, order) {
      await mustBeMade(tools, order.originId)
      await shortenFirst(tools, taking(order))
      await takeEverywhere(tools, taking(order))
    },
    undo: (tools, order) => untakeEverywhere(tools, taking(order)),
    unrecord: unrecordMade,
  })
  .step("make", {
    do: (tools, { engine, volumeId, sizeBytes, pointId }) =>
      tools.engine(engine).createHead(volumeId, { sizeBytes, point: pointId }),
    record: recordMade,
    undo: (tools, { engine, volumeId }) => tools.engine(engine).dropHead(volumeId),
  })
  .step("clean", {
    forwardOnly: true,
    do: (tools, { engine, pointId }) => dropPoints(tools, [{ engine, pointId }]),
  })

const taking = ({ originId, pointId, engine }: VolumeClone): WantedPoint[] => [
  { volumeId: originId, pointId, engine },
]
