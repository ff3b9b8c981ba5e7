/**
 * The stories that the power fails in. Each arranges something, starts one operation, and says
 * what must be true however it ended. A new operation is one entry more.
 */
import { PassThrough } from "node:stream"
import type { Started } from "../../src/core/core.ts"
import type { Principal } from "../../src/domain/account.ts"
import type { Result } from "../../src/domain/fault.ts"
import type { MachineId, SnapshotId, VolumeId } from "../../src/domain/ids.ts"
import type { Host } from "../../src/hosts/host.ts"
import { bytesOf, type Making, right, type Service, settled, upload } from "./world.ts"

export const MiB = 2 ** 20

export type Stage = { service: Service; host: Host; making: Making; who: Principal }
type How = "done" | "undone"

export type Scenario<Scene = never> = {
  name: string
  /** Needs a machine that runs: slow on real hosts. */
  boots: boolean
  arrange(stage: Stage): Promise<Scene>
  act(stage: Stage, scene: Scene): Promise<Result<Started<unknown>>>
  /** `how` it ended; everything that this does not mention is audited anyway. */
  check(stage: Stage, scene: Scene, how: How): Promise<void>
  /** A verb of the host that fails while the operation runs, so that it is undone. */
  hostFails?: keyof Host
}

const story = <Scene>(scenario: Scenario<Scene>): Scenario => scenario as unknown as Scenario

export const scenarios: readonly Scenario[] = [
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
  ...machineStories(),
]

function machineStories(): Scenario[] {
  return [
    story({
      name: "machine-create",
      boots: true,
      arrange: async ({ making, service, who }) => ({
        image: await making.makeImage(service, who),
      }),
      act: ({ service, who }, { image }) =>
        service.core.machines.create({ who }, { name: "m", imageId: image }),
      async check(stage, _scene, how) {
        expectEqual(how, "done")
        const [machine] = right(await stage.service.core.machines.list(stage.who, { limit: 10 }))
        expectEqual(machine?.state, "running")
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
        expectEqual(how, "undone")
        expectEqual(await stage.making.peek(stage.host, machine, 1), "one")
        const [snapshot] = right(await stage.service.core.snapshots.list(stage.who, { limit: 10 }))
        expectEqual(snapshot?.state, "failed")
      },
    }),
    story({
      name: "machine-revert",
      boots: true,
      async arrange(stage) {
        const scene = await runningMachine(stage)
        const source = { kind: "machine", id: scene.machine } as const
        const wish = { name: "s", source }
        const taken = await done(
          stage,
          stage.service.core.snapshots.create({ who: stage.who }, wish),
        )
        await stage.making.poke(stage.host, scene.machine, 1, "two")
        return { ...scene, snapshot: taken.id }
      },
      act: ({ service, who }, { machine, snapshot }) =>
        service.core.machines.revert({ who }, machine, { snapshotId: snapshot }),
      async check(stage, { machine, extra }, how) {
        expectEqual(how, "done")
        expectEqual(await stage.making.peek(stage.host, machine, 1), "one")
        expectEqual(await snapshotContent(stage, await recoveryOf(stage), extra), "two")
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
      async check(stage, { machine }, how) {
        expectEqual(how, "done")
        expectEqual(await stage.making.peek(stage.host, machine, 2), "mine")
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
      async arrange(stage) {
        const scene = await runningMachine(stage)
        const wish = { name: "s", source: { kind: "machine", id: scene.machine } as const }
        await done(stage, stage.service.core.snapshots.create({ who: stage.who }, wish))
        return scene
      },
      act: ({ service, who }, { machine }) => service.core.machines.remove({ who }, machine),
      async check(stage, { extra }, how) {
        expectEqual(how, "done")
        expectEqual(
          right(await stage.service.core.machines.list(stage.who, { limit: 10 })).length,
          0,
        )
        expectEqual(
          right(await stage.service.core.snapshots.list(stage.who, { limit: 10 })).length,
          0,
        )
        expectEqual(await contentOf(stage, extra), "one")
      },
    }),
  ]
}

const done = async <T>(stage: Stage, started: Promise<Result<Started<T>>>): Promise<T> =>
  await settled(stage.service, stage.making.ledger, await started)

async function filledVolume(stage: Stage, text: string): Promise<{ volume: VolumeId }> {
  const { service, who } = stage
  const { id } = await done(
    stage,
    service.core.volumes.create({ who }, { name: "v", sizeBytes: MiB }),
  )
  right(await service.core.volumes.importFrom({ who }, id, upload(bytesOf(text, MiB))))
  return { volume: id }
}

async function snapshottedVolume(stage: Stage) {
  const { volume } = await filledVolume(stage, "old")
  const { service, who } = stage
  const source = { kind: "volume", id: volume } as const
  const taken = await done(stage, service.core.snapshots.create({ who }, { name: "s", source }))
  right(await service.core.volumes.importFrom({ who }, volume, upload(bytesOf("new", MiB))))
  return { volume, snapshot: taken.id }
}

async function runningMachine(stage: Stage): Promise<{ machine: MachineId; extra: VolumeId }> {
  const { making, service, who } = stage
  const image = await making.makeImage(service, who)
  const wish = { name: "extra", sizeBytes: MiB }
  const extra = await done(stage, service.core.volumes.create({ who }, wish))
  const { id } = await done(
    stage,
    service.core.machines.create({ who }, { name: "m", imageId: image, volumeIds: [extra.id] }),
  )
  await making.poke(stage.host, id, 1, "one")
  return { machine: id, extra: extra.id }
}

async function recoveryOf({ service, who }: Stage): Promise<SnapshotId> {
  const all = right(await service.core.snapshots.list(who, { limit: 10 }))
  const recovery = all.find((snapshot) => snapshot.recovery)
  if (recovery === undefined) throw new Error("there is no recovery snapshot")
  return recovery.id
}

/** The text at the beginning of a closed volume. */
export async function contentOf({ service, who }: Stage, id: VolumeId): Promise<string> {
  return await textFrom(async (sink) =>
    right(await service.core.volumes.exportTo({ who }, id, sink)),
  )
}

async function snapshotContent({ service, who }: Stage, id: SnapshotId, volume?: VolumeId) {
  return await textFrom(async (sink) =>
    right(
      await service.core.snapshots.exportTo(
        { who },
        { id, sink, ...(volume === undefined ? {} : { volume }) },
      ),
    ),
  )
}

type Sink = { format: "raw"; open(): PassThrough }

async function textFrom(send: (sink: Sink) => Promise<unknown>): Promise<string> {
  const pipe = new PassThrough()
  const chunks: Buffer[] = []
  pipe.on("data", (chunk: Buffer) => chunks.push(chunk))
  await send({ format: "raw", open: () => pipe })
  const bytes = Buffer.concat(chunks)
  return bytes.subarray(0, 16).toString().replace(/\0+$/, "")
}

function expectEqual(actual: unknown, expected: unknown): void {
  if (actual === expected) return
  throw new Error(`expected ${JSON.stringify(expected)}, found ${JSON.stringify(actual)}`)
}
