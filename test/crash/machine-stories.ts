/** Stories of machines. */
import type { SnapshotId } from "../../src/domain/ids.ts"
import {
  changedMachine,
  contentOf,
  done,
  expectEqual,
  filledVolume,
  recoveryOf,
  runningMachine,
  type Scenario,
  snapshotContent,
  story,
  switchOnAgain,
  wentThrough,
} from "./stage.ts"
import { right } from "./world.ts"

export const machineStories: readonly Scenario[] = [
  story({
    name: "machine-create",
    boots: true,
    arrange: async ({ making, service, who }) => ({
      image: await making.makeImage(service, who),
    }),
    act: ({ service, who }, { image }) =>
      service.core.machines.create({ who }, { name: "m", imageId: image }),
    async check(stage, _scene, how) {
      const [machine] = right(await stage.service.core.machines.list(stage.who, { limit: 10 }))
      if (!wentThrough(stage, how)) expectEqual(machine?.state, "failed")
      else if (!stage.struck) expectEqual(machine?.state, "running")
    },
  }),
  story({
    name: "machine-create that fails",
    boots: true,
    hostFails: "answers",
    arrange: async ({ making, service, who }) => ({
      image: await making.makeImage(service, who),
    }),
    act: ({ service, who }, { image }) =>
      service.core.machines.create({ who }, { name: "m", imageId: image }),
    async check(stage, _scene, how) {
      expectEqual(how, "undone")
      const [machine] = right(await stage.service.core.machines.list(stage.who, { limit: 10 }))
      expectEqual(machine?.state, "failed")
    },
  }),
  story({
    name: "snapshot-create of a running machine with two disks",
    boots: true,
    arrange: (stage) => runningMachine(stage),
    act: ({ service, who }, { machine }) =>
      service.core.snapshots.create(
        { who },
        { name: "s", source: { kind: "machine", id: machine } },
      ),
    async check(stage, { machine, extra }, how) {
      expectEqual(how, "done")
      expectEqual(await stage.making.peek(stage.host, machine, 1), "one")
      const [snapshot] = right(await stage.service.core.snapshots.list(stage.who, { limit: 10 }))
      expectEqual(await snapshotContent(stage, snapshot?.id as SnapshotId, extra), "one")
      await stage.making.poke(stage.host, machine, 1, "two")
      expectEqual(await snapshotContent(stage, snapshot?.id as SnapshotId, extra), "one")
    },
  }),
  story({
    name: "snapshot-create of a running machine whose switch fails",
    boots: true,
    hostFails: "switchDisks",
    arrange: (stage) => runningMachine(stage),
    act: ({ service, who }, { machine }) =>
      service.core.snapshots.create(
        { who },
        { name: "s", source: { kind: "machine", id: machine } },
      ),
    async check(stage, { machine }, how) {
      expectEqual(await stage.making.peek(stage.host, machine, 1), "one")
      // Of one that was killed first the disks are closed, and nothing is to be switched.
      if (stage.struck && how === "done") return
      expectEqual(how, "undone")
      const [snapshot] = right(await stage.service.core.snapshots.list(stage.who, { limit: 10 }))
      expectEqual(snapshot?.state, "failed")
    },
  }),
  story({
    name: "machine-revert",
    boots: true,
    arrange: (stage) => changedMachine(stage),
    act: ({ service, who }, { machine, snapshot }) =>
      service.core.machines.revert({ who }, machine, { snapshotId: snapshot }),
    async check(stage, { machine, extra }, how) {
      const reverted = wentThrough(stage, how)
      expectEqual(await stage.making.peek(stage.host, machine, 1), reverted ? "one" : "two")
      if (reverted) expectEqual(await snapshotContent(stage, await recoveryOf(stage), extra), "two")
    },
  }),
  story({
    name: "machine-revert whose guest does not come up",
    boots: true,
    hostFails: "answers",
    arrange: (stage) => changedMachine(stage),
    act: ({ service, who }, { machine, snapshot }) =>
      service.core.machines.revert({ who }, machine, { snapshotId: snapshot }),
    async check(stage, { machine }, how) {
      // One that was killed first is left off, so nobody waits for it in vain.
      const reverted = stage.struck === true && how === "done"
      if (!reverted) expectEqual(how, "undone")
      expectEqual(await stage.making.peek(stage.host, machine, 1), reverted ? "one" : "two")
    },
  }),
  story({
    name: "machine-start",
    boots: true,
    async arrange(stage) {
      const scene = await runningMachine(stage)
      const { service, who } = stage
      await done(stage, service.core.machines.stop({ who }, scene.machine, { hard: true }))
      return scene
    },
    act: ({ service, who }, { machine }) => service.core.machines.start({ who }, machine),
    async check(stage, { machine }, how) {
      wentThrough(stage, how)
      await switchOnAgain(stage, [machine])
      expectEqual(await stage.making.peek(stage.host, machine, 1), "one")
    },
  }),
  story({
    name: "machine-reboot",
    boots: true,
    arrange: (stage) => runningMachine(stage),
    act: ({ service, who }, { machine }) => service.core.machines.reboot({ who }, machine),
    async check(stage, { machine }, how) {
      wentThrough(stage, how)
      expectEqual(await stage.making.peek(stage.host, machine, 1), "one")
    },
  }),
  story({
    name: "machine-attach that fails",
    boots: true,
    hostFails: "attach",
    async arrange(stage) {
      const scene = await runningMachine(stage)
      return { ...scene, ...(await filledVolume(stage, "mine")) }
    },
    act: ({ service, who }, { machine, volume }) =>
      service.core.machines.attach({ who }, machine, volume),
    async check(stage, { machine, volume }, how) {
      if (stage.struck && how === "done") {
        return expectEqual(await stage.making.peek(stage.host, machine, 2), "mine")
      }
      expectEqual(how, "undone")
      expectEqual(await contentOf(stage, volume), "mine")
    },
  }),
  story({
    name: "machine-attach, then its disk is there",
    boots: true,
    async arrange(stage) {
      const scene = await runningMachine(stage)
      return { ...scene, ...(await filledVolume(stage, "mine")) }
    },
    act: ({ service, who }, { machine, volume }) =>
      service.core.machines.attach({ who }, machine, volume),
    async check(stage, { machine, volume }, how) {
      if (wentThrough(stage, how)) {
        expectEqual(await stage.making.peek(stage.host, machine, 2), "mine")
      } else expectEqual(await contentOf(stage, volume), "mine")
    },
  }),
  story({
    name: "machine-detach",
    boots: true,
    arrange: (stage) => runningMachine(stage),
    act: ({ service, who }, { machine, extra }) =>
      service.core.machines.detach({ who }, machine, extra),
    async check(stage, { extra }, how) {
      expectEqual(how, "done")
      expectEqual(await contentOf(stage, extra), "one")
    },
  }),
  story({
    name: "machine-stop and what was written is there",
    boots: true,
    endsOff: true,
    arrange: (stage) => runningMachine(stage),
    act: ({ service, who }, { machine }) =>
      service.core.machines.stop({ who }, machine, { hard: true }),
    async check(stage, { extra }, how) {
      expectEqual(how, "done")
      expectEqual(await contentOf(stage, extra), "one")
    },
  }),
  story({
    name: "machine-delete with snapshots",
    boots: true,
    endsOff: true,
    arrange: (stage) => changedMachine(stage),
    act: ({ service, who }, { machine }) => service.core.machines.remove({ who }, machine),
    async check(stage, { extra }, how) {
      expectEqual(how, "done")
      expectEqual(right(await stage.service.core.machines.list(stage.who, { limit: 10 })).length, 0)
      expectEqual(
        right(await stage.service.core.snapshots.list(stage.who, { limit: 10 })).length,
        0,
      )
      expectEqual(await contentOf(stage, extra), "two")
    },
  }),
]
