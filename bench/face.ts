/** A snapshot of a detached volume as a client sees it: from its POST until it is told ready. */
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import type { Benchmark } from "./benchmark.ts"
import { faceClients } from "./contenders.ts"
import { bareFloors, bareSnapshot, snapshotCommits } from "./rig/floors.ts"
import { rateOf, takeTurns } from "./rig/measure.ts"
import { GiB, makeVolume, newName } from "./rig/resources.ts"
import { startServer } from "./rig/server.ts"

const volumeCount = 32
const lanes = 8
const rounds = 5
const perRound = 320

export const face: Benchmark = {
  about: "a snapshot of a detached volume through each face, alone and 8 at once",
  async *run(stand) {
    const floor = bareSnapshot(bareFloors(stand))
    const floorName = `bare durable file and ${snapshotCommits} commits`
    const dataDir = join(stand.folder, "state")
    await mkdir(dataDir)
    // One face has a limit of its own, which is not what is measured.
    await writeFile(join(dataDir, "tintype.toml"), "[iaas]\nmaxSnapshots = 10000\n")
    const server = await startServer(stand, dataDir)
    for (const [name, open] of Object.entries(faceClients)) {
      const client = open(server)
      // Its own: on those of the face before it snapshots would stand deeper.
      const volumes: string[] = []
      for (let nth = 0; nth < volumeCount; nth++) {
        volumes.push(await makeVolume(server.api, { sizeBytes: GiB }))
      }
      const volume = (nth: number) => volumes[nth % volumeCount] ?? ""
      let taken = 0
      const take = () => client.takeSnapshot(volume(taken++), newName())
      const times = await takeTurns(300, { take, floor })
      yield {
        what: `${name} face: snapshot of a detached volume, POST to ready`,
        unit: "ms",
        samples: times.take,
        floor: { what: floorName, samples: times.floor },
        goal: { of: "p50", atMost: 10 },
      }
      const rates: number[] = []
      const floorRates: number[] = []
      for (let round = 0; round < rounds; round++) {
        floorRates.push(await rateOf(perRound, 1, async () => floor()))
        rates.push(
          await rateOf(perRound, lanes, (nth) => client.takeSnapshot(volume(nth), newName())),
        )
      }
      yield {
        what: `${name} face: snapshots a second, ${lanes} at once over ${volumeCount} volumes`,
        unit: "/s",
        samples: rates,
        floor: { what: `${floorName}, one by one`, samples: floorRates },
        goal: { of: "p50", atLeast: 200 },
      }
    }
  },
}
