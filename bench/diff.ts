/**
 * Where two snapshots differ: 1 GiB of 100, scattered, beside reading the tables that tell it. A
 * service that has just started has read none of them; later on it has.
 */
import { join } from "node:path"
import type { SnapshotId } from "../src/domain/ids.ts"
import { serviceUser } from "../src/state-directory.ts"
import type { Benchmark, Stand } from "./benchmark.ts"
import { type EngineName, engineNames } from "./contenders.ts"
import { readTables } from "./rig/bare-tables.ts"
import { openDaemonHost } from "./rig/daemon-host.ts"
import { takeTurns, timed } from "./rig/measure.ts"
import { layerOfPoint } from "./rig/records.ts"
import { GiB } from "./rig/resources.ts"
import { scatter } from "./rig/scatter.ts"
import { must, openBareService } from "./rig/service.ts"

const sizeBytes = 100 * GiB
const clusterBytes = 65_536
const changedClusters = GiB / clusterBytes
const rounds = 10
const longestMs = 100

type Ends = { dataDir: string; engine: EngineName; from: SnapshotId; to: SnapshotId; file: string }

export const diff: Benchmark = {
  about: "where two snapshots of 100 GiB differ by 1 GiB",
  async *run(stand) {
    for (const engine of engineNames) {
      stand.say(`writing ${changedClusters} clusters of 100 GiB, twice`)
      const { dataDir, file, from, to } = await prepare(stand, engine)
      const [cold, warm]: [number[], number[]] = [[], []]
      const times = await takeTurns(rounds, {
        async ask() {
          const { core, who, close } = await openBareService(dataDir, engine, stand)
          const ask = async () => expectAll(must(await core.snapshots.changes(who, { from, to })))
          cold.push(await timed(ask))
          warm.push(await timed(ask))
          await close()
        },
        floor: () => readTables(file),
      })
      const floor = { what: "the layer's tables, read and thrown away", samples: times.floor }
      const goal = { of: "p50", atMost: longestMs } as const
      const what = `core on ${engine}: where 1 GiB of 100 GiB differs`
      const found = { unit: "ms", floor, goal } as const
      // Warming up counts for nothing.
      yield { ...found, what: `${what}, just started`, samples: cold.slice(-rounds) }
      yield { ...found, what: `${what}, asked again`, samples: warm.slice(-rounds) }
    }
  },
}

async function prepare(stand: Stand, engine: EngineName): Promise<Ends> {
  const dataDir = join(stand.folder, engine)
  const user = await serviceUser("tintype")
  const { host, disk } = await openDaemonHost({ dataDir, user }, stand)
  const service = await openBareService(dataDir, engine, stand, { host })
  const { core, who, finished } = service
  const volume = await service.makeVolume(sizeBytes)
  const machine = await service.startMachine([volume])
  const { nbd } = disk(volume)
  const kept = async (): Promise<SnapshotId> => {
    await scatter(nbd, changedClusters, clusterBytes)
    return await service.takeSnapshot(volume)
  }
  const [from, to] = [await kept(), await kept()]
  await finished(core.machines.stop({ who }, machine, { hard: true }))
  const [point] = must(await core.snapshots.get(who, to)).points
  const file = layerOfPoint(dataDir, engine, point?.id ?? "")
  await service.idle()
  await service.close()
  return { dataDir, engine, from, to, file }
}

/** Each cluster was written once. */
function expectAll(found: readonly { changes: readonly { length: number }[] }[]): void {
  const all = found.flatMap(({ changes }) => changes)
  const bytes = all.reduce((sum, { length }) => sum + length, 0)
  if (bytes !== GiB) throw new Error(`told of ${bytes} changed bytes, not of ${GiB}`)
}
