/** A snapshot of a detached volume through the core: asked for, taken, recorded, told of. */
import { join } from "node:path"
import type { VolumeId } from "../src/domain/ids.ts"
import type { Benchmark } from "./benchmark.ts"
import { engineNames } from "./contenders.ts"
import { bareFloors, bareSnapshot, snapshotCommits } from "./rig/floors.ts"
import { takeTurns } from "./rig/measure.ts"
import { GiB } from "./rig/resources.ts"
import { openBareService } from "./rig/service.ts"

/** So many that none comes to have a path worth shortening: that is the benchmark `depth`. */
const volumeCount = 40

export const snapshot: Benchmark = {
  about: "a snapshot of a detached volume, through the core",
  async *run(stand) {
    const bare = bareFloors(stand)
    for (const engine of engineNames) {
      const service = await openBareService(join(stand.folder, engine), engine, stand)
      const volumes = await Promise.all(
        Array.from({ length: volumeCount }, () => service.makeVolume(GiB)),
      )
      let taken = 0
      const take = () => service.takeSnapshot(volumes[taken++ % volumeCount] as VolumeId)
      const works = { take, needed: bareSnapshot(bare), layer: bare.layer }
      const times = await takeTurns(300, works)
      const found = {
        what: `core on ${engine}: snapshot of a detached volume, to ready`,
        unit: "ms",
        samples: times.take,
      } as const
      const needed = `bare durable file and ${snapshotCommits} commits`
      yield { ...found, floor: { what: needed, samples: times.needed } }
      yield {
        ...found,
        floor: { what: "bare durable file", samples: times.layer },
        goal: { of: "ratio", atMost: 3 },
      }
    }
  },
}
