/** A snapshot's point of one volume is read out, to whoever asked, while nothing may delete it. */
import type { PointId, SnapshotId } from "../../domain/ids.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"
import { watchOf } from "../watch.ts"

export type SnapshotExport = { snapshotId: SnapshotId; pointId: PointId; engine: string }

export const snapshotExport = saga<Tools, SnapshotExport>("snapshot-export", 1).step("send", {
  async do(tools, { pointId, engine }) {
    const sink = tools.transfers.sink(tools.operationId)
    await tools.engine(engine).read({ point: pointId }, sink, watchOf(tools, "sent"))
  },
})
