/**
 * What many kept snapshots cost whoever reads and snapshots above them, with upkeep at work: reads,
 * the next snapshot, and the space that short cuts take. Clones of one volume stand at each depth,
 * all open in one process, and take turns.
 */
import { join } from "node:path"
import { Readable } from "node:stream"
import type { VolumeId } from "../src/domain/ids.ts"
import type { UpkeepLimits } from "../src/engines/engine.ts"
import { serviceUser } from "../src/state-directory.ts"
import type { Benchmark, Finding, Stand } from "./benchmark.ts"
import { type EngineName, engineNames } from "./contenders.ts"
import { type OpenDisk, openDaemonHost } from "./rig/daemon-host.ts"
import { takeTurns } from "./rig/measure.ts"
import { readsPerSecond } from "./rig/reader.ts"
import { bytesOf, bytesOfVolume, headOfVolume } from "./rig/records.ts"
import { scatter } from "./rig/scatter.ts"
import { openBareService, type Service } from "./rig/service.ts"

const MiB = 2 ** 20
const sizeBytes = 512 * MiB
const readRounds = 15
const snapshotRounds = 15
/** At least 0.7 of the speed. */
const slowestReads = 1.43
const slowestSnapshot = 2
const unlimited = { softDepth: 100_000, hardDepth: 100_000 }

export const depth: Benchmark = {
  about: "reads and snapshots over 1, 60 and 500 kept snapshots (--full: with more written)",
  async *run(stand) {
    const writes = stand.full ? 256 : 16
    for (const engine of engineNames) {
      const grown = await grow(stand, { engine, name: engine, counts: [1, 60, 500], writes })
      yield* depths(grown)
      yield* space(grown)
      yield* reads(grown)
      stand.say("going on until the longest path is as long as it gets")
      const longest = await lengthen(grown, writes)
      yield* depths(longest)
      yield* reads(longest)
      yield* snapshots(grown)
      await grown.service.close()
      if (!stand.full) continue
      const upkeep = unlimited
      const name = `${engine}-bare`
      const bare = await grow(stand, { engine, name, counts: [1, 60], writes, upkeep })
      yield* depths(bare)
      yield* reads(bare)
      yield* snapshots(bare)
      await bare.service.close()
    }
  },
}

type Wish = {
  engine: EngineName
  name: string
  counts: readonly number[]
  /** Blocks of 4 KiB at random after each snapshot; each takes a cluster of 64 KiB. */
  writes: number
  upkeep?: UpkeepLimits
}
type OfDepth = {
  count: number
  volume: VolumeId
  disk: OpenDisk
  layers: number
  /** What its layers took on disk, each when it was done with. */
  writtenBytes: number
}
type Grown = {
  service: Service
  dataDir: string
  engine: EngineName
  suffix: string
  /** By upkeep; where it is kept from it, there is nothing to promise. */
  shortened: boolean
  all: OfDepth[]
}

async function grow(stand: Stand, { engine, name, counts, writes, upkeep }: Wish): Promise<Grown> {
  const dataDir = join(stand.folder, name)
  const daemons = await openDaemonHost({ dataDir, user: await serviceUser("tintype") }, stand)
  const parts = { host: daemons.host, ...(upkeep && { upkeep }) }
  const service = await openBareService(dataDir, engine, stand, parts)
  const written = await service.makeVolume(sizeBytes)
  await service.fill(written, Readable.from(randomBytes(sizeBytes)))
  const base = await service.takeSnapshot(written)
  const volumes = new Map<number, VolumeId>()
  for (const count of counts) volumes.set(count, await service.makeVolume(base))
  await service.startMachine([...volumes.values()])
  const all: OfDepth[] = []
  for (const [count, volume] of volumes) {
    stand.say(`taking ${count} snapshots, each after ${writes} random writes`)
    const disk = daemons.disk(volume)
    let writtenBytes = 0
    for (let nth = 0; nth <= count; nth++) {
      if (nth > 0) await service.takeSnapshot(volume)
      await scatter(disk.nbd, writes)
      writtenBytes += bytesOf(headOfVolume(dataDir, engine, volume))
    }
    all.push({ count, volume, disk, layers: 0, writtenBytes })
  }
  stand.say("waiting until upkeep has nothing left to do")
  await service.idle()
  for (const one of all) one.layers = await one.disk.layersBelow()
  const shortened = upkeep === undefined
  const suffix = shortened ? "" : ", without short cuts"
  return { service, dataDir, engine, suffix, shortened, all }
}

const longestSearch = 100

/**
 * Between one short cut and the next a path grows, and reads with it. Goes on until the deepest has
 * been as long as it gets, and then until it is so again; nothing is due then.
 */
async function lengthen(grown: Grown, writes: number): Promise<Grown> {
  const { service, all } = grown
  const [least, deepest] = [all[0], all.at(-1)]
  if (least === undefined || deepest === undefined) throw new Error("nothing has grown")
  const { volume, disk } = deepest
  let { count } = deepest
  const goOn = async () => {
    await service.takeSnapshot(volume)
    await scatter(disk.nbd, writes)
    count += 1
  }
  let longest = await disk.layersBelow()
  for (let tries = 0; tries < longestSearch; tries++) {
    await goOn()
    await service.idle()
    const now = await disk.layersBelow()
    if (now < longest) break
    longest = now
  }
  for (let tries = 0; tries < longestSearch; tries++) {
    if ((await disk.layersBelow()) >= longest) break
    await goOn()
  }
  const layers = await disk.layersBelow()
  const suffix = ", their path at its longest"
  return { ...grown, suffix, all: [least, { ...deepest, count, layers }] }
}

function* randomBytes(length: number): Generator<Buffer> {
  const piece = Buffer.from(crypto.getRandomValues(new Uint8Array(65_536)))
  const full = Buffer.concat(Array.from({ length: MiB / piece.length }, () => piece))
  for (let at = 0; at < length; at += MiB) yield full
}

function* depths({ engine, suffix, all }: Grown): Generator<Finding> {
  for (const { count, layers } of suffix === "" ? all : all.slice(1)) {
    const what = `${engine}: layers below a disk with ${kept(count)}${suffix}`
    yield { what, unit: "layers", samples: [layers] }
  }
}

async function* reads({ engine, suffix, shortened, all }: Grown): AsyncGenerator<Finding> {
  const rates = new Map(all.map(({ count }) => [count, [] as number[]]))
  const turn = ({ count, disk: { uri } }: OfDepth) => {
    return async () => void rates.get(count)?.push(await readsPerSecond(uri, sizeBytes))
  }
  await takeTurns(readRounds, Object.fromEntries(all.map((one) => [`of ${one.count}`, turn(one)])))
  // Warming up counts for nothing.
  const [least, ...deeper] = [...rates].map(
    ([count, all]) => [count, all.slice(-readRounds)] as const,
  )
  for (const [count, samples] of deeper) {
    yield {
      what: `${engine}: random reads of 4 KiB, 8 at once, over ${kept(count)}${suffix}`,
      unit: "/s",
      samples,
      floor: { what: `the same over ${kept(least?.[0] ?? 0)}`, samples: least?.[1] ?? [] },
      ...(shortened ? { goal: { of: "ratio", atMost: slowestReads } } : {}),
    }
  }
}

/** Of the open disk, to ready; upkeep goes on as it must, for the paths grow. */
async function* snapshots({
  service,
  engine,
  suffix,
  shortened,
  all,
}: Grown): AsyncGenerator<Finding> {
  const turn =
    ({ volume }: OfDepth) =>
    () =>
      service.takeSnapshot(volume)
  const works = Object.fromEntries(all.map((one) => [`of ${one.count}`, turn(one)]))
  const times = await takeTurns(snapshotRounds, works)
  const [least, ...deeper] = all
  for (const { count } of deeper) {
    yield {
      what: `${engine}: snapshot of an open disk with ${kept(count)}${suffix}`,
      unit: "ms",
      samples: times[`of ${count}`] ?? [],
      floor: {
        what: `the same with ${kept(least?.count ?? 0)}`,
        samples: times[`of ${least?.count}`] ?? [],
      },
      ...(shortened ? { goal: { of: "ratio", atMost: slowestSnapshot } } : {}),
    }
  }
}

function* space({ dataDir, engine, all }: Grown): Generator<Finding> {
  for (const { count, volume, writtenBytes } of all.slice(1)) {
    yield {
      what: `${engine}: space of ${kept(count)}`,
      unit: "MiB",
      samples: [bytesOfVolume(dataDir, engine, volume) / MiB],
      floor: { what: "of what was written, without short cuts", samples: [writtenBytes / MiB] },
    }
  }
}

const kept = (count: number) => (count === 1 ? "1 snapshot" : `${count} snapshots`)
