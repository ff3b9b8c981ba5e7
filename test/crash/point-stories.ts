/** Stories of snapshots that lose a part, or give way to newer ones. */
import type { SnapshotWish, Started } from "../../src/core/core.ts"
import { ok, type Result } from "../../src/domain/fault.ts"
import type { SnapshotId, VolumeId } from "../../src/domain/ids.ts"
import type { SnapshotSource } from "../../src/domain/snapshot.ts"
import {
  changedMachine,
  contentOf,
  done,
  expectEqual,
  type Scenario,
  type Stage,
  snapshotContent,
  snapshottedVolume,
  story,
} from "./stage.ts"
import { right } from "./world.ts"

export const pointStories: readonly Scenario[] = [
  story({
    name: "snapshot-delete of one volume's part",
    boots: true,
    async arrange(stage) {
      const scene = await changedMachine(stage)
      const { points } = right(await stage.service.core.snapshots.get(stage.who, scene.snapshot))
      const root = points.find(({ role }) => role === "root")
      if (root === undefined) throw new Error("the machine's snapshot has no root")
      return { ...scene, root: root.id }
    },
    act: ({ service, who }, { root }) => service.core.snapshots.removePoint({ who }, root),
    async check(stage, { snapshot, extra }, how) {
      expectEqual(how, "done")
      const { state, points } = right(await stage.service.core.snapshots.get(stage.who, snapshot))
      expectEqual(state, "ready")
      expectEqual(points.map(({ volumeId }) => volumeId).join(), extra)
      expectEqual(await snapshotContent(stage, snapshot, extra), "one")
    },
  }),
  story({
    name: "snapshot-create in the place of another, which fails",
    boots: true,
    hostFails: "switchDisks",
    arrange: (stage) => changedMachine(stage),
    act: ({ service, who }, { machine }) =>
      service.core.snapshots.create({ who }, insteadOf({ kind: "machine", id: machine })),
    async check(stage, { snapshot, extra }, how) {
      if (stage.struck && how === "done") return
      expectEqual(how, "undone")
      expectEqual(right(await stage.service.core.snapshots.get(stage.who, snapshot)).state, "ready")
      expectEqual(await snapshotContent(stage, snapshot, extra), "one")
    },
  }),
  story({
    name: "snapshot-delete to make room for another",
    boots: false,
    arrange: (stage) => snapshottedVolume(stage),
    act: takeInstead,
    async check(stage, { volume, snapshot }, how) {
      expectEqual(how, "done")
      expectEqual((await stage.service.core.snapshots.get(stage.who, snapshot)).ok, false)
      const all = right(await stage.service.core.snapshots.list(stage.who, { limit: 10 }))
      expectEqual(all.map(({ name, state }) => `${name} ${state}`).join(), "newer ready")
      expectEqual(await snapshotContent(stage, all[0]?.id as SnapshotId), "new")
      expectEqual(await contentOf(stage, volume), "new")
    },
  }),
]

/** One more than there may be. */
function insteadOf(source: SnapshotSource): SnapshotWish {
  // biome-ignore lint/suspicious/noThenProperty: a word of the core; it is no function
  return { name: "newer", source, countRule: { most: 1, then: "replace-oldest" } }
}

/** What is told of is the removal of the older one. */
async function takeInstead(
  stage: Stage,
  { volume, snapshot }: { volume: VolumeId; snapshot: SnapshotId },
): Promise<Result<Started<unknown>>> {
  const { service, who, making } = stage
  const wish = insteadOf({ kind: "volume", id: volume })
  const resource = await done(stage, service.core.snapshots.create({ who }, wish))
  const newest = { limit: 1, order: "newest-first" } as const
  const [operation] = await making.ledger.read.operations.find({ targetId: snapshot }, newest)
  if (operation === undefined) throw new Error("the older one stays")
  return ok({ resource, operation })
}
