/**
 * All details of a thousand snapshots, as clients of Block Storage list them, with many more on
 * record. They are only on record: a list may look at nothing else.
 */
import { join } from "node:path"
import type { Benchmark } from "./benchmark.ts"
import { engineNames } from "./contenders.ts"
import { openClient } from "./rig/client.ts"
import { barePointPage, fillLedger } from "./rig/filler.ts"
import { takeTurns } from "./rig/measure.ts"
import { startServer } from "./rig/server.ts"
import { openBareService } from "./rig/service.ts"

const pageSize = 1000
const count = 100_000
const rounds = 15

export const details: Benchmark = {
  about: `a page of ${pageSize} snapshots in detail, of ${count}, through Block Storage v1`,
  async *run(stand) {
    const [engine] = engineNames
    if (engine === undefined) throw new Error("there is no engine")
    const dataDir = join(stand.folder, "details")
    const { who, close } = await openBareService(dataDir, engine, stand)
    const { accountId } = who
    await close()
    stand.say(`recording ${count} snapshots`)
    fillLedger(dataDir, { count, accountId, engine })
    const bare = barePointPage(dataDir, { accountId, limit: pageSize }, stand.after)
    const { urls, token } = await startServer(stand, dataDir)
    const client = openClient(urls["openstack"] ?? "", { "x-auth-token": token })
    stand.after(() => client.close())
    for (const [where, offset] of [
      ["newest", 0],
      ["half-way", count / 2],
    ] as const) {
      const path = `/v1/admin/snapshots/detail?limit=${pageSize}&offset=${offset}`
      const times = await takeTurns(rounds, {
        async page() {
          const { snapshots } = await client.ask<{ snapshots: unknown[] }>("GET", path)
          if (snapshots.length !== pageSize) throw new Error(`a page of ${snapshots.length}`)
        },
        floor: () => void bare(offset),
      })
      yield {
        what: `openstack face: snapshots/detail, ${pageSize} of ${count}, ${where}`,
        unit: "ms",
        samples: times.page,
        floor: { what: "bare SQLite reads the rows", samples: times.floor },
        ...(offset === 0 ? { goal: { of: "p50", atMost: 15 } as const } : {}),
      }
    }
  },
}
