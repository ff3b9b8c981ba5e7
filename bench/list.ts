/**
 * A page of a thousand among many snapshots, with everything a snapshot is shown with. The page's
 * own snapshots are real; the many before it are only on record, which is all a list may look at.
 */
import { join } from "node:path"
import { cursorOf } from "../src/faces/native/wire/words.ts"
import type { Benchmark, Stand } from "./benchmark.ts"
import { type EngineName, engineNames } from "./contenders.ts"
import { barePage, fillLedger } from "./rig/filler.ts"
import { rateOf, takeTurns } from "./rig/measure.ts"
import { GiB } from "./rig/resources.ts"
import { startServer } from "./rig/server.ts"
import { must, openBareService } from "./rig/service.ts"

const pageSize = 1000
const volumeCount = 50
const rounds = 15

export const list: Benchmark = {
  about: "a page of 1000 of 100 000 snapshots (--full: of a million)",
  async *run(stand) {
    const count = stand.full ? 1_000_000 : 100_000
    for (const engine of engineNames) {
      const dataDir = join(stand.folder, engine)
      stand.say(`taking ${pageSize} snapshots and recording ${count} more`)
      const { accountId, after } = await prepare(stand, { dataDir, engine, count })
      const bare = barePage(dataDir, { accountId, after, limit: pageSize }, stand.after)
      const floorName = "bare SQLite reads the rows"

      const { core, who, close } = await openBareService(dataDir, engine, stand)
      const listing = { limit: pageSize, after, order: "oldest-first" } as const
      const ofCore = await takeTurns(rounds, {
        async page() {
          expectFull(must(await core.snapshots.list(who, listing)))
        },
        async points() {
          expectFull(must(await core.snapshots.points(who, listing)))
        },
        floor: () => expectFull(bare()),
      })
      await close()
      yield {
        what: `core on ${engine}: page of ${pageSize} of ${count} snapshots`,
        unit: "ms",
        samples: ofCore.page,
        floor: { what: floorName, samples: ofCore.floor },
        goal: { of: "p50", atMost: 10 },
      }
      yield {
        what: `core on ${engine}: page of ${pageSize} of ${count} points`,
        unit: "ms",
        samples: ofCore.points,
        floor: { what: floorName, samples: ofCore.floor },
        goal: { of: "p50", atMost: 10 },
      }

      const { api } = await startServer(stand, dataDir)
      const path = `/api/snapshots?limit=${pageSize}&after=${cursorOf(after)}`
      const ofFace = await takeTurns(rounds, {
        page: async () => expectFull((await api.ask<{ items: unknown[] }>("GET", path)).items),
        floor: () => expectFull(bare()),
      })
      yield {
        what: `native face on ${engine}: the same page over HTTP`,
        unit: "ms",
        samples: ofFace.page,
        floor: { what: floorName, samples: ofFace.floor },
      }
    }
  },
}

/** Resolves with whose snapshots they are, and the last one on record before those taken here. */
async function prepare(stand: Stand, wish: { dataDir: string; engine: EngineName; count: number }) {
  const { dataDir, engine, count } = wish
  const maker = await openBareService(dataDir, engine, stand)
  const { accountId } = maker.who
  const volumes = await Promise.all(
    Array.from({ length: volumeCount }, () => maker.makeVolume(GiB)),
  )
  await rateOf(pageSize, 16, async (nth) => {
    const volume = volumes[nth % volumeCount]
    if (volume !== undefined) await maker.takeSnapshot(volume)
  })
  await maker.close()
  return { accountId, after: fillLedger(dataDir, { count, accountId, engine }) }
}

/** A page that is quick because it is empty says nothing. */
function expectFull(page: readonly unknown[]): void {
  if (page.length !== pageSize) throw new Error(`a page of ${page.length}, not ${pageSize}`)
}
