/** What a story is, and what stories arrange and look at. */
import { PassThrough } from "node:stream"
import type { Started } from "../../src/core/core.ts"
import type { Principal } from "../../src/domain/account.ts"
import type { Result } from "../../src/domain/fault.ts"
import type { MachineId, SnapshotId, VolumeId } from "../../src/domain/ids.ts"
import type { Host } from "../../src/hosts/host.ts"
import { bytesOf, type Making, right, type Service, settled, upload } from "./world.ts"

export const MiB = 2 ** 20

export type Stage = {
  service: Service
  host: Host
  making: Making
  who: Principal
  /** Machines were killed meanwhile; they are on again, but for those that the story turns off. */
  struck?: boolean
}
export type How = "done" | "undone"

export type Scenario<Scene = never> = {
  name: string
  /** Needs a machine that runs: slow on real hosts. */
  boots: boolean
  arrange(stage: Stage): Promise<Scene>
  act(stage: Stage, scene: Scene): Promise<Result<Started<unknown>>>
  /** `how` it ended; everything that this does not mention is audited anyway. */
  check(stage: Stage, scene: Scene, how: How): Promise<void>
  /** Machines that ran before are off by the end of it, or gone. */
  endsOff?: true
  /** A verb of the host that fails while the operation runs, so that it is undone. */
  hostFails?: keyof Host
}

export const story = <Scene>(scenario: Scenario<Scene>): Scenario => scenario as unknown as Scenario

export const done = async <T>(stage: Stage, started: Promise<Result<Started<T>>>): Promise<T> =>
  await settled(stage.service, stage.making.ledger, await started)

export async function filledVolume(stage: Stage, text: string): Promise<{ volume: VolumeId }> {
  const { service, who } = stage
  const { id } = await done(
    stage,
    service.core.volumes.create({ who }, { name: "v", sizeBytes: MiB }),
  )
  right(await service.core.volumes.importFrom({ who }, id, upload(bytesOf(text, MiB))))
  return { volume: id }
}

export async function snapshottedVolume(stage: Stage) {
  const { volume } = await filledVolume(stage, "old")
  const { service, who } = stage
  const source = { kind: "volume", id: volume } as const
  const taken = await done(stage, service.core.snapshots.create({ who }, { name: "s", source }))
  right(await service.core.volumes.importFrom({ who }, volume, upload(bytesOf("new", MiB))))
  return { volume, snapshot: taken.id }
}

export async function runningMachine(
  stage: Stage,
): Promise<{ machine: MachineId; extra: VolumeId }> {
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

/** One with a snapshot, changed since: its extra disk held `one` and holds `two`. */
export async function changedMachine(stage: Stage) {
  const scene = await runningMachine(stage)
  const wish = { name: "s", source: { kind: "machine", id: scene.machine } as const }
  const taken = await done(stage, stage.service.core.snapshots.create({ who: stage.who }, wish))
  await stage.making.poke(stage.host, scene.machine, 1, "two")
  return { ...scene, snapshot: taken.id }
}

export async function runningNow({ ledger }: Making): Promise<MachineId[]> {
  return (await ledger.read.machines.find({ state: "running" })).map(({ id }) => id)
}

/** What was killed is started, as its owner would. */
export async function switchOnAgain(stage: Stage, machines: readonly MachineId[]): Promise<void> {
  const { service, who } = stage
  for (const id of machines) {
    if (right(await service.core.machines.get(who, id)).state !== "stopped") continue
    await done(stage, service.core.machines.start({ who }, id))
  }
}

/** Whether all of it happened; a machine that was killed is a reason to take it back. */
export function wentThrough({ struck }: Pick<Stage, "struck">, how: How): boolean {
  if (!struck) expectEqual(how, "done")
  return how === "done"
}

export async function recoveryOf({ service, who }: Stage): Promise<SnapshotId> {
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

export async function snapshotContent({ service, who }: Stage, id: SnapshotId, volume?: VolumeId) {
  return await textFrom(async (sink) =>
    right(
      await service.core.snapshots.exportTo(
        { who },
        { id, sink, ...(volume === undefined ? {} : { volume }) },
      ),
    ),
  )
}

export const nowhere = () => ({ format: "raw" as const, open: () => new PassThrough().resume() })

type Sink = { format: "raw"; open(): PassThrough }

async function textFrom(send: (sink: Sink) => Promise<unknown>): Promise<string> {
  const pipe = new PassThrough()
  const chunks: Buffer[] = []
  pipe.on("data", (chunk: Buffer) => chunks.push(chunk))
  await send({ format: "raw", open: () => pipe })
  const bytes = Buffer.concat(chunks)
  return bytes
    .subarray(0, 16)
    .toString()
    .replace(/[\0 ]+$/, "")
}

export function expectEqual(actual: unknown, expected: unknown): void {
  if (actual === expected) return
  throw new Error(`expected ${JSON.stringify(expected)}, found ${JSON.stringify(actual)}`)
}
