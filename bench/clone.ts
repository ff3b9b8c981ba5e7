/** A volume made from a snapshot: its time must not depend on how large it is. */
import type { Benchmark } from "./benchmark.ts"
import { nativeClient } from "./rig/face-client.ts"
import { bareFloors, bareSnapshot, snapshotCommits } from "./rig/floors.ts"
import { takeTurns } from "./rig/measure.ts"
import { GiB, makeVolume } from "./rig/resources.ts"
import { type Server, startServer } from "./rig/server.ts"

export const clone: Benchmark = {
  about: "a volume from a snapshot, small and large",
  async *run(stand) {
    const server = await startServer(stand)
    const ofSmall = await snapshotOf(server, GiB)
    const ofLarge = await snapshotOf(server, 1024 * GiB)
    const times = await takeTurns(100, {
      small: () => makeVolume(server.api, { snapshotId: ofSmall }),
      large: () => makeVolume(server.api, { snapshotId: ofLarge }),
      floor: bareSnapshot(bareFloors(stand)),
    })
    yield {
      what: "clone of 1 GiB, POST to available",
      unit: "ms",
      samples: times.small,
      // Beside the layer it takes the same durable steps as a snapshot.
      floor: { what: `bare durable file and ${snapshotCommits} commits`, samples: times.floor },
    }
    yield {
      what: "clone of 1 TiB, POST to available",
      unit: "ms",
      samples: times.large,
      floor: { what: "the clone of 1 GiB", samples: times.small },
      goal: { of: "ratio", atMost: 1.5 },
    }
  },
}

async function snapshotOf(server: Server, sizeBytes: number): Promise<string> {
  const volume = await makeVolume(server.api, { sizeBytes })
  return nativeClient(server).takeSnapshot(volume, "clone me")
}
