/**
 * A machine is made: its root volume is a new head on the image's point, there at once whatever
 * the size; then it is started, and done when its guest answers. If the light goes out, the next
 * start goes on from the log; if a step fails, process, directory and volume are taken away and
 * the machine stays on record as `failed`, with the reason, holding nothing.
 */
import type { ImageId, MachineId, OperationId, PointId, VolumeId } from "../../domain/ids.ts"
import { changeUnlessLeaving } from "../leaving.ts"
import { awaitAnswer, machineOf, recordOn, type Started, turnOff, turnOn } from "../power.ts"
import { saga } from "../saga.ts"
import type { Tools } from "../tools.ts"
import { giveBack } from "./disks.ts"

export type MachineCreate = {
  operationId: OperationId
  machineId: MachineId
  rootVolumeId: VolumeId
  imageId: ImageId
  imagePointId: PointId
  engine: string
  sizeBytes: number
}

export const machineCreate = saga<Tools, MachineCreate>("machine-create", 1)
  .step("volume", {
    do: async (tools, { engine, rootVolumeId, sizeBytes, imagePointId }) => {
      await tools.engine(engine).createHead(rootVolumeId, { sizeBytes, point: imagePointId })
    },
    undo: (tools, { engine, rootVolumeId }) => tools.engine(engine).dropHead(rootVolumeId),
    async unrecord(rooms, { machineId, rootVolumeId, reason }) {
      await rooms.volumes.remove(rootVolumeId)
      for (const extra of await rooms.volumes.find({ machineId })) {
        await giveBack(rooms, { machineId, volumeId: extra.id })
      }
      const failed = { state: "failed", process: null, reason } as const
      await changeUnlessLeaving(rooms.machines, machineId, failed)
    },
  })
  .step("prepare", {
    async do(tools, { machineId, imageId }) {
      const machine = await machineOf(tools, machineId)
      await tools.host(machine.kind).prepare(machineId, imageId)
    },
    // From here on the machine has all it needs of its image, and others may have their turn.
    frees: ({ imageId }) => [imageId],
    async undo(tools, { machineId }) {
      const machine = await machineOf(tools, machineId)
      await tools.host(machine.kind).discard(machineId)
    },
  })
  .step<"start", Started>("start", {
    do: (tools, { machineId }) => turnOn(tools, machineId),
    record: async (rooms, { machineId, output }) => {
      await recordOn(rooms, machineId, output)
      await changeUnlessLeaving(rooms.machines, machineId, { state: "creating" })
    },
    undo: (tools, { machineId }) => turnOff(tools, machineId, 0),
  })
  .step("answer", {
    weight: 6,
    do: (tools, { machineId }) => awaitAnswer(tools, machineId),
    record: (rooms, { machineId }) =>
      changeUnlessLeaving(rooms.machines, machineId, { state: "running" }),
  })
