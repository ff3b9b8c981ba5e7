/** Stories of operations that are given up in their middle. */
import { PassThrough } from "node:stream"
import type { VolumeId } from "../../src/domain/ids.ts"
import {
  contentOf,
  expectEqual,
  filledVolume,
  MiB,
  type Scenario,
  type Stage,
  story,
} from "./stage.ts"
import { bytesOf, right } from "./world.ts"

export const cancelStories: readonly Scenario[] = [
  story({
    name: "volume-import that is given up",
    boots: false,
    arrange: (stage) => filledVolume(stage, "old"),
    async act(stage, { volume }) {
      const { service, who } = stage
      const stream = new PassThrough()
      stream.write(bytesOf("new", MiB / 2))
      const source = { format: "raw", stream, lengthBytes: MiB } as const
      const importing = service.core.volumes.importFrom({ who }, volume, source)
      // Where the power fails, both fail, and only one is waited for.
      importing.catch(() => {})
      const operation = await underWay(stage, volume)
      // Not before it waits for the rest, so that the story has as many writes each time.
      while (stream.readableLength > 0) {
        right(await service.core.operations.get(who, operation.id))
        await new Promise((resolve) => setTimeout(resolve, 2))
      }
      right(await service.core.operations.cancel({ who }, operation.id))
      await importing
      return { ok: true, value: { resource: null, operation } }
    },
    async check(stage, { volume }, how) {
      expectEqual(how, "undone")
      expectEqual(await contentOf(stage, volume), "old")
    },
  }),
]

async function underWay({ service, who }: Stage, targetId: VolumeId) {
  for (;;) {
    const wish = { limit: 1, targetId, unendedOnly: true }
    const [operation] = right(await service.core.operations.list(who, wish))
    if (operation?.state === "running") return operation
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}
