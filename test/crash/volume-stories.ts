/** Stories of volumes, their snapshots, and images. */
import type { SnapshotId, VolumeId } from "../../src/domain/ids.ts"
import {
  contentOf,
  done,
  expectEqual,
  filledVolume,
  MiB,
  nowhere,
  recoveryOf,
  runningMachine,
  type Scenario,
  snapshotContent,
  snapshottedVolume,
  story,
} from "./stage.ts"
import { bytesOf, right, upload } from "./world.ts"

export const volumeStories: readonly Scenario[] = [
  story({
    name: "volume-create",
    boots: false,
    arrange: async () => null,
    act: ({ service, who }) => service.core.volumes.create({ who }, { name: "v", sizeBytes: MiB }),
    async check(stage, _scene, how) {
      expectEqual(how, "done")
      const [volume] = right(await stage.service.core.volumes.list(stage.who, { limit: 10 }))
      expectEqual(await contentOf(stage, volume?.id as VolumeId), "")
    },
  }),
  story({
    name: "volume-import",
    boots: false,
    arrange: (stage) => filledVolume(stage, "old"),
    act: ({ service, who }, { volume }) =>
      service.core.volumes.importFrom({ who }, volume, upload(bytesOf("new", MiB))),
    async check(stage, { volume }, how) {
      expectEqual(await contentOf(stage, volume), how === "done" ? "new" : "old")
    },
  }),
  story({
    name: "snapshot-create of a detached volume",
    boots: false,
    arrange: (stage) => filledVolume(stage, "old"),
    act: ({ service, who }, { volume }) =>
      service.core.snapshots.create({ who }, { name: "s", source: { kind: "volume", id: volume } }),
    async check(stage, { volume }, how) {
      expectEqual(how, "done")
      const [snapshot] = right(await stage.service.core.snapshots.list(stage.who, { limit: 10 }))
      expectEqual(snapshot?.state, "ready")
      expectEqual(await contentOf(stage, volume), "old")
      expectEqual(await snapshotContent(stage, snapshot?.id as SnapshotId), "old")
    },
  }),
  story({
    name: "volume-create from a snapshot",
    boots: false,
    arrange: (stage) => snapshottedVolume(stage),
    act: ({ service, who }, { snapshot }) =>
      service.core.volumes.create({ who }, { name: "clone", snapshotId: snapshot }),
    async check(stage, _scene, how) {
      expectEqual(how, "done")
      const all = right(await stage.service.core.volumes.list(stage.who, { limit: 10 }))
      const clone = all.find((volume) => volume.name === "clone")
      expectEqual(await contentOf(stage, clone?.id as VolumeId), "old")
    },
  }),
  story({
    name: "volume-clone of a detached volume",
    boots: false,
    arrange: (stage) => filledVolume(stage, "old"),
    act: ({ service, who }, { volume }) =>
      service.core.volumes.create({ who }, { name: "copy", cloneOf: volume }),
    async check(stage, { volume }, how) {
      expectEqual(how, "done")
      const [copy] = right(
        await stage.service.core.volumes.list(stage.who, { limit: 10, name: "copy" }),
      )
      expectEqual(copy?.state, "available")
      expectEqual(await contentOf(stage, copy?.id as VolumeId), "old")
      expectEqual(await contentOf(stage, volume), "old")
    },
  }),
  story({
    name: "volume-clone of a running machine's volume",
    boots: true,
    arrange: (stage) => runningMachine(stage),
    act: ({ service, who }, { extra }) =>
      service.core.volumes.create({ who }, { name: "copy", cloneOf: extra }),
    async check(stage, { machine }, how) {
      expectEqual(how, "done")
      await stage.making.poke(stage.host, machine, 1, "two")
      const [copy] = right(
        await stage.service.core.volumes.list(stage.who, { limit: 10, name: "copy" }),
      )
      expectEqual(await contentOf(stage, copy?.id as VolumeId), "one")
      expectEqual(await stage.making.peek(stage.host, machine, 1), "two")
    },
  }),
  story({
    name: "volume-clone whose switch fails",
    boots: true,
    hostFails: "switchDisks",
    arrange: (stage) => runningMachine(stage),
    act: ({ service, who }, { extra }) =>
      service.core.volumes.create({ who }, { name: "copy", cloneOf: extra }),
    async check(stage, { machine }, how) {
      expectEqual(await stage.making.peek(stage.host, machine, 1), "one")
      if (stage.struck && how === "done") return
      expectEqual(how, "undone")
      const [copy] = right(
        await stage.service.core.volumes.list(stage.who, { limit: 10, name: "copy" }),
      )
      expectEqual(copy?.state, "failed")
    },
  }),
  story({
    name: "volume-revert",
    boots: false,
    arrange: (stage) => snapshottedVolume(stage),
    act: ({ service, who }, { volume, snapshot }) =>
      service.core.volumes.revert({ who }, volume, snapshot),
    async check(stage, { volume }, how) {
      expectEqual(how, "done")
      expectEqual(await contentOf(stage, volume), "old")
      const recovery = await recoveryOf(stage)
      expectEqual(await snapshotContent(stage, recovery), "new")
    },
  }),
  story({
    name: "snapshot-delete with a clone on it",
    boots: false,
    async arrange(stage) {
      const scene = await snapshottedVolume(stage)
      const wish = { name: "clone", snapshotId: scene.snapshot }
      const clone = await done(stage, stage.service.core.volumes.create({ who: stage.who }, wish))
      return { ...scene, clone: clone.id }
    },
    act: ({ service, who }, { snapshot }) => service.core.snapshots.remove({ who }, snapshot),
    async check(stage, { volume, clone, snapshot }, how) {
      expectEqual(how, "done")
      expectEqual((await stage.service.core.snapshots.get(stage.who, snapshot)).ok, false)
      expectEqual(await contentOf(stage, volume), "new")
      expectEqual(await contentOf(stage, clone), "old")
    },
  }),
  story({
    name: "volume-delete with its snapshots",
    boots: false,
    arrange: (stage) => snapshottedVolume(stage),
    act: ({ service, who }, { volume }) =>
      service.core.volumes.remove({ who }, volume, { cascade: true }),
    async check(stage, _scene, how) {
      expectEqual(how, "done")
      expectEqual(right(await stage.service.core.volumes.list(stage.who, { limit: 10 })).length, 0)
      expectEqual(
        right(await stage.service.core.snapshots.list(stage.who, { limit: 10 })).length,
        0,
      )
    },
  }),
  story({
    name: "volume-export",
    boots: false,
    arrange: (stage) => filledVolume(stage, "old"),
    act: ({ service, who }, { volume }) =>
      service.core.volumes.exportTo({ who }, volume, nowhere()),
    check: async (stage, { volume }) => expectEqual(await contentOf(stage, volume), "old"),
  }),
  story({
    name: "snapshot-export",
    boots: false,
    arrange: (stage) => snapshottedVolume(stage),
    act: ({ service, who }, { snapshot }) =>
      service.core.snapshots.exportTo({ who }, { id: snapshot, sink: nowhere() }),
    check: async (stage, { snapshot }) =>
      expectEqual(await snapshotContent(stage, snapshot), "old"),
  }),
  story({
    name: "image-import",
    boots: false,
    arrange: async () => null,
    act: ({ service, who }) =>
      service.core.images.importFrom(
        { who },
        { name: "i", format: "raw", source: upload(bytesOf("image", MiB)) },
      ),
    async check({ service, who }, _scene, how) {
      const [image] = right(await service.core.images.list(who, { limit: 10, name: "i" }))
      expectEqual(image?.state, how === "done" ? "ready" : "failed")
    },
  }),
  story({
    name: "image-delete",
    boots: false,
    async arrange({ service, who }) {
      const source = upload(bytesOf("image", MiB))
      const wish = { name: "i", format: "raw", source } as const
      const { resource } = right(await service.core.images.importFrom({ who }, wish))
      return { image: resource.id }
    },
    act: ({ service, who }, { image }) => service.core.images.remove({ who }, image),
    async check({ service, who }, _scene, how) {
      expectEqual(how, "done")
      expectEqual(right(await service.core.images.list(who, { limit: 10 })).length, 0)
    },
  }),
  story({
    name: "image-build-demo that fails",
    boots: false,
    hostFails: "buildDemo",
    arrange: async () => null,
    act: ({ service, who }) => service.core.images.buildDemo({ who }),
    check: async (_stage, _scene, how) => expectEqual(how, "undone"),
  }),
]
