/** Real disks and guests take time: somebody dies at a spread of the writes, or at all of them. */
import { crashSuite, everyCut, type Sampling } from "./crash.suite.ts"
import { type Cut, victims } from "./power-cut.ts"
import { makeReal } from "./real.ts"
import type { Scenario } from "./stage.ts"

const long = process.env["TINTYPE_LONG"] === "1"

/**
 * Before one write and after another, now this one and now that, other ones in other stories; all
 * of them in the long run.
 */
function some(count: number): Sampling["cuts"] {
  return (writes, scenario) => {
    // Without a machine there are storage daemons to kill.
    if (long) return everyCut(writes, { ...scenario, boots: true })
    const turn = scenario.name.length
    return Array.from({ length: Math.min(count, writes) }, (_, at): Cut => {
      const atWrite = 1 + Math.floor(((at + 0.5) * writes) / Math.min(count, writes))
      const when = (turn + at) % 2 === 0 ? "before" : "after"
      return { atWrite, when, victim: victims[(turn + at) % victims.length] ?? "service" }
    })
  }
}

export function realCrashSuite(
  name: string,
  { cuts, only }: { cuts: number; only(scenario: Scenario): boolean },
): void {
  crashSuite(name, makeReal, {
    cuts: some(cuts),
    // Where a host's verb is made to fail, it is not the real one.
    only: (scenario) => scenario.hostFails === undefined && only(scenario),
    timeoutMs: 3_600_000,
  })
}
