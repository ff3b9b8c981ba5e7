/** Stories of work that nobody asked for: nobody may notice it, wherever the power fails. */
import { ok } from "../../src/domain/fault.ts"
import type { SnapshotId } from "../../src/domain/ids.ts"
import {
  contentOf,
  done,
  expectEqual,
  filledVolume,
  runningMachine,
  type Scenario,
  type Stage,
  snapshotContent,
  story,
} from "./stage.ts"

export const upkeepStories: readonly Scenario[] = [
  story({
    name: "upkeep of a detached volume whose middle snapshots went",
    boots: false,
    async arrange(stage) {
      const { volume } = await filledVolume(stage, "v0")
      const source = { kind: "volume", id: volume } as const
      const taken: SnapshotId[] = []
      for (const name of ["a", "b", "c"]) {
        const wish = { name, source }
        const { id } = await done(
          stage,
          stage.service.core.snapshots.create({ who: stage.who }, wish),
        )
        taken.push(id)
      }
      await removeAll(stage, taken.slice(0, 2))
      return { volume, kept: taken[2] as SnapshotId }
    },
    act: (stage) => beginUpkeep(stage),
    async check(stage, { volume, kept }, how) {
      expectEqual(how, "done")
      expectEqual(await contentOf(stage, volume), "v0")
      expectEqual(await snapshotContent(stage, kept), "v0")
    },
  }),
  story({
    name: "upkeep under a running machine",
    boots: true,
    async arrange(stage) {
      const scene = await runningMachine(stage)
      const source = { kind: "machine", id: scene.machine } as const
      const taken: SnapshotId[] = []
      for (const text of ["two", "six", "ten"]) {
        const wish = { name: text, source }
        const { id } = await done(
          stage,
          stage.service.core.snapshots.create({ who: stage.who }, wish),
        )
        taken.push(id)
        await stage.making.poke(stage.host, scene.machine, 1, text)
      }
      await removeAll(stage, taken.slice(0, 2))
      return { ...scene, kept: taken[2] as SnapshotId }
    },
    act: (stage) => beginUpkeep(stage),
    async check(stage, { machine, extra, kept }, how) {
      expectEqual(how, "done")
      expectEqual(await stage.making.peek(stage.host, machine, 1), "ten")
      expectEqual(await snapshotContent(stage, kept, extra), "six")
      await stage.making.poke(stage.host, machine, 1, "new")
      expectEqual(await stage.making.peek(stage.host, machine, 1), "new")
    },
  }),
]

async function removeAll(stage: Stage, ids: readonly SnapshotId[]): Promise<void> {
  for (const id of ids) {
    await done(stage, stage.service.core.snapshots.remove({ who: stage.who }, id))
  }
}

/** The first work that the engine finds; a story without any would tell nothing. */
async function beginUpkeep({ service, making }: Stage) {
  await service.upkeep()
  const where = { kind: "upkeep" }
  const [operation] = await making.ledger.read.operations.find(where, { limit: 1 })
  if (operation === undefined) throw new Error("there is nothing to be done")
  return ok({ resource: null, operation })
}
