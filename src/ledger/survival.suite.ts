/** The promise that all others stand on: what was committed survives the death of who did it. */
import { spawn } from "node:child_process"
import { createInterface } from "node:readline"
import { describe, expect, test } from "vitest"
import type { LedgerPlace } from "./ledger.suite.ts"

/** A place that other processes can open too. */
export type LastingPlace = LedgerPlace & {
  elsewhere: { module: string; open: string; argument: string }
}

export function survivalSuite(name: string, make: () => Promise<LastingPlace>): void {
  describe(`a ledger in ${name} whose writers are killed`, () => {
    test.each([1, 2, 3, 4, 5])("has whatever they were told is kept (%d)", async () => {
      const place = await make()
      for (let round = 0; round < 3; round++) {
        const killAfter = 1 + Math.floor(Math.random() * 400)
        const printed = await commitUntilKilled(place.elsewhere, killAfter)
        const ledger = await place.open()
        const kept = await ledger.read.snapshots.find({}, { limit: 100_000 })
        const ids = new Set<string>(kept.map((row) => row.id))
        const lost = printed.filter((id) => !ids.has(id))
        expect(lost, `killed after ${killAfter}`).toEqual([])
        expect(await ledger.examine()).toEqual([])
        expect(await ledger.read.points.count({})).toBe(kept.length)
        await ledger.close()
      }
      await place.remove()
    })
  })
}

/** Eight writers in one process; each prints an id once its snapshot and point are committed. */
const writers = `
const [module, open, argument, samples] = process.argv.slice(1)
const { [open]: opener } = await import(module)
const { snapshot, point } = await import(samples)
const { writeSync } = await import("node:fs")
const ledger = await opener(argument)
const write = async () => {
  for (;;) {
    const row = snapshot({ state: "ready" })
    await ledger.transaction(async (rooms) => {
      await rooms.snapshots.add(row)
      await rooms.points.add(point({ snapshotId: row.id }))
    })
    writeSync(1, row.id + "\\n")
  }
}
await Promise.all(Array.from({ length: 8 }, write))
`

async function commitUntilKilled(
  elsewhere: LastingPlace["elsewhere"],
  killAfter: number,
): Promise<string[]> {
  const samples = new URL("./samples.suite.ts", import.meta.url).href
  const where = [elsewhere.module, elsewhere.open, elsewhere.argument, samples]
  const child = spawn(process.execPath, ["--input-type=module", "-e", writers, ...where], {
    stdio: ["ignore", "pipe", "inherit"],
  })
  const printed: string[] = []
  for await (const line of createInterface(child.stdout)) {
    // The kill may cut the last line short.
    if (line.length === 36) printed.push(line)
    if (printed.length === killAfter) child.kill("SIGKILL")
  }
  expect(printed.length, `killed after ${killAfter}`).toBeGreaterThanOrEqual(killAfter)
  return printed
}
