/** Stories of snapshots with the guest's part in them, and of going back to its memory. */
import type { SnapshotView } from "../../src/core/core.ts"
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
  wentThrough,
} from "./stage.ts"
import { right } from "./world.ts"

export const captureStories: readonly Scenario[] = [
  story({
    name: "snapshot-capture of frozen file systems",
    boots: true,
    arrange: (stage) => runningMachine(stage),
    act: ({ service, who }, { machine }) =>
      service.core.snapshots.create(
        { who },
        { name: "s", source: { kind: "machine", id: machine }, quiesce: true },
      ),
    async check(stage, { machine, extra }, how) {
      const snapshot = await newest(stage)
      expectEqual(snapshot.state, how === "done" ? "ready" : "failed")
      // It may have had to do without; then it says so.
      const { label, note } = snapshot.consistency ?? { label: "none", note: null }
      if (how === "done" && label !== "filesystem") expectEqual(note === null, false)
      if (how === "done") expectEqual(await snapshotContent(stage, snapshot.id, extra), "one")
      // Only a guest that is not frozen does this.
      await stage.making.poke(stage.host, machine, 1, "two")
      expectEqual(await stage.making.peek(stage.host, machine, 1), "two")
    },
  }),
  story({
    name: "snapshot-capture of frozen file systems whose switch fails",
    boots: true,
    hostFails: "switchDisks",
    arrange: (stage) => runningMachine(stage),
    act: ({ service, who }, { machine }) =>
      service.core.snapshots.create(
        { who },
        { name: "s", source: { kind: "machine", id: machine }, quiesce: true },
      ),
    async check(stage, { machine }, how) {
      if (!stage.struck) expectEqual(how, "undone")
      await stage.making.poke(stage.host, machine, 1, "two")
    },
  }),
  story({
    name: "snapshot-capture with memory",
    boots: true,
    async arrange(stage) {
      const scene = await runningMachine(stage)
      await stage.making.remember(stage.host, scene.machine, "then")
      return scene
    },
    act: ({ service, who }, { machine }) =>
      service.core.snapshots.create(
        { who },
        { name: "s", source: { kind: "machine", id: machine }, memory: true },
      ),
    async check(stage, { machine, extra }, how) {
      const snapshot = await newest(stage)
      expectEqual(snapshot.state, how === "done" ? "ready" : "failed")
      const remembers = snapshot.memoryBytes !== null
      expectEqual(snapshot.consistency?.label === "memory", remembers)
      // Of a machine that was killed first the disks are kept, and it is said why no more.
      if (stage.struck && how === "done" && !remembers) {
        expectEqual(typeof snapshot.consistency?.note, "string")
      } else expectEqual(remembers, how === "done")
      await stage.making.poke(stage.host, machine, 1, "two")
      if (how === "undone") return
      expectEqual(await snapshotContent(stage, snapshot.id, extra), "one")
      if (!remembers) return
      await stage.making.remember(stage.host, machine, "now")
      const back = { snapshotId: snapshot.id }
      await done(stage, stage.service.core.machines.revert({ who: stage.who }, machine, back))
      expectEqual(await stage.making.recall(stage.host, machine), "then")
      expectEqual(await stage.making.peek(stage.host, machine, 1), "one")
    },
  }),
  story({
    name: "snapshot-capture with memory that cannot be kept",
    boots: true,
    hostFails: "keepMemory",
    arrange: (stage) => runningMachine(stage),
    act: ({ service, who }, { machine }) =>
      service.core.snapshots.create(
        { who },
        { name: "s", source: { kind: "machine", id: machine }, memory: true },
      ),
    async check(stage, { machine }, how) {
      if (!stage.struck) expectEqual(how, "undone")
      expectEqual((await newest(stage)).state, how === "done" ? "ready" : "failed")
      await stage.making.poke(stage.host, machine, 1, "two")
    },
  }),
  story({
    name: "machine-revert to a memory, its disks having changed since",
    boots: true,
    arrange: (stage) => rearrangedMachine(stage),
    act: ({ service, who }, { machine, snapshot }) =>
      service.core.machines.revert({ who }, machine, { snapshotId: snapshot }),
    async check(stage, { machine, extra, volume }, how) {
      const reverted = wentThrough(stage, how)
      const disks = right(await stage.service.core.machines.get(stage.who, machine)).disks
      expectEqual(
        disks.map(({ id }) => id).join(),
        [disks[0]?.id, reverted ? extra : volume].join(),
      )
      if (!reverted) {
        expectEqual(await stage.making.peek(stage.host, machine, 1), "mine")
        return expectEqual(await contentOf(stage, extra), "one")
      }
      // It may have been killed when all was done, and then its memory is gone again.
      if (!stage.struck) expectEqual(await stage.making.recall(stage.host, machine), "then")
      expectEqual(await stage.making.peek(stage.host, machine, 1), "one")
      expectEqual(await contentOf(stage, volume), "mine")
    },
  }),
  story({
    name: "machine-revert to a memory that does not start",
    boots: true,
    hostFails: "answers",
    arrange: (stage) => rearrangedMachine(stage),
    act: ({ service, who }, { machine, snapshot }) =>
      service.core.machines.revert({ who }, machine, { snapshotId: snapshot }),
    async check(stage, { machine, extra, volume }, how) {
      if (!stage.struck) expectEqual(how, "undone")
      if (how === "done") return expectEqual(await contentOf(stage, volume), "mine")
      expectEqual(await contentOf(stage, extra), "one")
      const disks = right(await stage.service.core.machines.get(stage.who, machine)).disks
      expectEqual(disks[1]?.id, volume)
    },
  }),
]

/** It has a memory with its extra disk; that was detached since, and another took its place. */
async function rearrangedMachine(stage: Stage) {
  const { service, who, making, host } = stage
  const scene = await runningMachine(stage)
  const { machine, extra } = scene
  await making.remember(host, machine, "then")
  const wish = { name: "s", source: { kind: "machine", id: machine }, memory: true } as const
  const taken = await done(stage, service.core.snapshots.create({ who }, wish))
  await making.remember(host, machine, "now")
  await done(stage, service.core.machines.detach({ who }, machine, extra))
  const { volume } = await filledVolume(stage, "mine")
  await done(stage, service.core.machines.attach({ who }, machine, volume))
  return { ...scene, volume, snapshot: taken.id as SnapshotId }
}

async function newest({ service, who }: Stage): Promise<SnapshotView> {
  const order = "newest-first"
  const [snapshot] = right(await service.core.snapshots.list(who, { limit: 1, order }))
  if (snapshot === undefined) throw new Error("there is no snapshot")
  return snapshot
}
