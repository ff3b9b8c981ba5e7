/** A durable write of the ledger, beside the database's own. */
import { join } from "node:path"
import { ledgers } from "../src/ledger/registry.ts"
import type { Benchmark } from "./benchmark.ts"
import { bareFloors } from "./rig/floors.ts"
import { takeTurns } from "./rig/measure.ts"

export const commit: Benchmark = {
  about: "one small transaction of the ledger",
  async *run(stand) {
    const bare = bareFloors(stand)
    for (const [name, open] of Object.entries(ledgers)) {
      const ledger = await open(join(stand.folder, `${name}.db`))
      stand.after(() => ledger.close())
      let written = 0
      const write = () => ledger.set("bench", String(++written))
      const times = await takeTurns(500, { write, commit: bare.commit })
      yield {
        what: `ledger ${name}: one write, durable`,
        unit: "ms",
        samples: times.write,
        floor: { what: "bare SQLite commit", samples: times.commit },
      }
    }
  },
}
