/** What an engine takes to keep a closed volume's content as a point, beside one durable file. */
import { join } from "node:path"
import { newId } from "../src/domain/ids.ts"
import { ledgers } from "../src/ledger/registry.ts"
import { openStateDirectory, serviceUser } from "../src/state-directory.ts"
import type { Benchmark } from "./benchmark.ts"
import { engineNames, openEngine } from "./contenders.ts"
import { bareFloors } from "./rig/floors.ts"
import { takeTurns } from "./rig/measure.ts"
import { GiB } from "./rig/resources.ts"

export const layer: Benchmark = {
  about: "a point of a closed volume, by the engine alone",
  async *run(stand) {
    const bare = bareFloors(stand)
    const user = await serviceUser("tintype")
    for (const name of engineNames) {
      const dataDir = join(stand.folder, name)
      await openStateDirectory(dataDir)
      const ledger = await ledgers.sqlite(join(dataDir, "ledger.db"))
      stand.after(() => ledger.close())
      const engine = (await openEngine[name]({ dataDir, user })).with(ledger.engineMemory(name))
      stand.after(() => engine.close())
      const volume = newId<"volume">()
      await engine.createHead(volume, { sizeBytes: GiB })
      const point = () => engine.createPoint(volume, newId<"point">())
      const times = await takeTurns(300, { point, layer: bare.layer })
      yield {
        what: `engine ${name}: a point of a closed volume`,
        unit: "ms",
        samples: times.point,
        floor: { what: "bare durable file", samples: times.layer },
        goal: { of: "ratio", atMost: 3 },
      }
    }
  },
}
