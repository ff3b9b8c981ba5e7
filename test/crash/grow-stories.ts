/** Stories of volumes that become larger. */
import { PassThrough } from "node:stream"
import type { VolumeId } from "../../src/domain/ids.ts"
import {
  contentOf,
  done,
  expectEqual,
  MiB,
  runningMachine,
  type Scenario,
  type Stage,
  snapshotContent,
  snapshottedVolume,
  story,
} from "./stage.ts"
import { right } from "./world.ts"

export const growStories: readonly Scenario[] = [
  story({
    name: "volume-grow of a detached volume",
    boots: false,
    arrange: (stage) => snapshottedVolume(stage),
    act: ({ service, who }, { volume }) =>
      service.core.volumes.grow({ who }, volume, 2 * MiB + 512),
    async check(stage, { volume, snapshot }, how) {
      expectEqual(how, "done")
      await expectSize(stage, volume, 2 * MiB + 512)
      expectEqual(await contentOf(stage, volume), "new")
      expectEqual(await snapshotContent(stage, snapshot), "old")
    },
  }),
  story({
    name: "volume-grow of a disk of a machine that is off",
    boots: true,
    async arrange(stage) {
      const scene = await runningMachine(stage)
      const { service, who } = stage
      await done(stage, service.core.machines.stop({ who }, scene.machine, { hard: true }))
      return scene
    },
    act: ({ service, who }, { extra }) => service.core.volumes.grow({ who }, extra, 2 * MiB),
    async check(stage, { machine, extra }, how) {
      expectEqual(how, "done")
      await expectSize(stage, extra, 2 * MiB)
      await done(stage, stage.service.core.machines.start({ who: stage.who }, machine))
      expectEqual(await stage.making.peek(stage.host, machine, 1), "one")
    },
  }),
]

/** On record, and in truth. */
async function expectSize({ service, who }: Stage, id: VolumeId, sizeBytes: number) {
  expectEqual(right(await service.core.volumes.get(who, id)).sizeBytes, sizeBytes)
  let sent = 0
  const pipe = new PassThrough().on("data", (chunk: Buffer) => {
    sent += chunk.length
  })
  right(await service.core.volumes.exportTo({ who }, id, { format: "raw", open: () => pipe }))
  expectEqual(sent, sizeBytes)
}
