/** Stories of machines whose memory and processors change. */
import { type MachineId, newId } from "../../src/domain/ids.ts"
import { demoImageId } from "../../src/domain/image.ts"
import { noLabels } from "../../src/domain/labels.ts"
import {
  done,
  expectEqual,
  MiB,
  runningMachine,
  type Scenario,
  type Stage,
  story,
  wentThrough,
} from "./stage.ts"
import { right } from "./world.ts"

export const resizeStories: readonly Scenario[] = [
  story({
    name: "machine-resize of a machine that is off",
    boots: false,
    arrange: (stage) => idleMachine(stage),
    act: ({ service, who }, { machine }) =>
      service.core.machines.resize({ who }, machine, { memoryMiB: 512, restart: false }),
    async check(stage, { machine }, how) {
      expectEqual(how, "done")
      expectEqual(await hardwareOf(stage, machine), "512 MiB, 1 cpus, stopped")
    },
  }),
  story({
    name: "machine-resize of a running machine",
    boots: true,
    arrange: (stage) => runningMachine(stage),
    act: ({ service, who }, { machine }) =>
      service.core.machines.resize({ who }, machine, { memoryMiB: 320, cpus: 2, restart: true }),
    async check(stage, { machine }, how) {
      const size = wentThrough(stage, how) ? "320 MiB, 2 cpus" : "256 MiB, 1 cpus"
      expectEqual(await hardwareOf(stage, machine), `${size}, running`)
      expectEqual(await stage.making.peek(stage.host, machine, 1), "one")
    },
  }),
  story({
    name: "machine-resize whose guest does not come up",
    boots: true,
    hostFails: "answers",
    arrange: (stage) => runningMachine(stage),
    act: ({ service, who }, { machine }) =>
      service.core.machines.resize({ who }, machine, { memoryMiB: 320, cpus: 2, restart: true }),
    async check(stage, { machine }, how) {
      if (!stage.struck) expectEqual(how, "undone")
      const size = how === "done" ? "320 MiB, 2 cpus" : "256 MiB, 1 cpus"
      expectEqual(await hardwareOf(stage, machine), `${size}, running`)
      expectEqual(await stage.making.peek(stage.host, machine, 1), "one")
    },
  }),
]

async function hardwareOf({ service, who }: Stage, id: MachineId): Promise<string> {
  const { hardware, state } = right(await service.core.machines.get(who, id))
  return `${hardware.memoryMiB} MiB, ${hardware.cpus} cpus, ${state}`
}

/** A row of a machine that is off: where nothing is started, no guest need be made. */
async function idleMachine(stage: Stage): Promise<{ machine: MachineId }> {
  const { making, service, who } = stage
  const wish = { name: "root", sizeBytes: MiB }
  const root = await done(stage, service.core.volumes.create({ who }, wish))
  const { accountId, node, createdAt } = root
  const id = newId<"machine">()
  await making.ledger.transaction(async (rooms) => {
    await rooms.machines.add({
      id,
      accountId,
      node,
      kind: "vm",
      name: "m",
      state: "stopped",
      hardware: { memoryMiB: 256, cpus: 1, machineType: null, cpuModel: null },
      imageId: demoImageId,
      boot: null,
      rootVolumeId: root.id,
      process: null,
      held: null,
      deletionProtected: false,
      ...noLabels,
      reason: null,
      createdAt,
    })
    const state = "in-use"
    await rooms.volumes.change(root.id, { machineId: id, role: "root", slot: 0, state })
  })
  return { machine: id }
}
