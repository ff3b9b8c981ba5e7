/**
 * Whatever is done to trees of volumes, in whatever order, what is kept of them reads bit for bit
 * as it was kept. `TINTYPE_SEED` plays one run alone.
 */
import { describe, test } from "vitest"
import type { Rig } from "../../src/engines/engine-rig.suite.ts"
import { memoryRig, powerlessRig, qcow2Rig } from "../fixtures/engine-rigs.ts"
import { play } from "../property/play.ts"

const long = process.env["TINTYPE_LONG"] === "1"
const given = process.env["TINTYPE_SEED"]
const seeds = (count: number) =>
  given === undefined ? Array.from({ length: count }, (_, at) => at + 1) : [Number(given)]

/** Small enough that a run comes to both of them. */
const limits = { softDepth: 8, hardDepth: 12 }
const limited = (make: () => Promise<Rig>) => async () => {
  const rig = await make()
  await rig.limit(limits)
  return rig
}

describe("trees of objects", () => {
  const make = limited(memoryRig)
  test.each(seeds(long ? 1000 : 12))("seed %i", (seed) =>
    play({ make, seed, steps: 300, shorten: 500 }),
  )
})

describe("trees of qcow2 files", { timeout: 3_600_000 }, () => {
  const make = limited(qcow2Rig)
  test.each(seeds(long ? 60 : 3))("seed %i", (seed) =>
    play({ make, seed, steps: long ? 300 : 150, shorten: 20 }),
  )
})

/** Whatever a verb promised is on disk, and not on its way there. */
function powerless(): void {
  const make = limited(powerlessRig)
  test.each(seeds(long ? 20 : 2))("seed %i", (seed) =>
    play({ make, seed, steps: long ? 300 : 100, shorten: 10 }),
  )
}

// Mounting a small file system is root's privilege.
if (process.getuid?.() === 0) {
  describe("trees on a disk whose power fails", { timeout: 3_600_000 }, powerless)
}
