/** A volume that no running machine has goes back to a snapshot; what it held is kept. */
import type { VolumeId } from "../../domain/ids.ts"
import {
  dropReplaced,
  mustBeTaken,
  type Reverting,
  recordReverted,
  revertHeads,
  type Stood,
  stoodBefore,
  unrecordReverted,
  unrevertHeads,
} from "../revert.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"
import { mustBeClosed } from "./export.ts"

export type VolumeRevert = { volumeId: VolumeId; reverting: Reverting }

export const volumeRevert = saga<Tools, VolumeRevert>("volume-revert", 1)
  .step<"stood", Stood>("stood", {
    async do(tools, { volumeId, reverting }) {
      await mustBeClosed(tools, volumeId)
      await mustBeTaken(tools, reverting)
      return await stoodBefore(tools, reverting)
    },
  })
  .step("revert", {
    async do(tools, { reverting }) {
      await revertHeads(tools, reverting)
    },
    record: (rooms, { reverting }) => recordReverted(rooms, reverting, null),
    undo: (tools, { reverting }) => unrevertHeads(tools, reverting),
    unrecord: (rooms, { reverting, stood }) => unrecordReverted(rooms, reverting, stood),
  })
  .step("clean", {
    forwardOnly: true,
    do: (tools, { reverting }) => dropReplaced(tools, reverting),
  })
