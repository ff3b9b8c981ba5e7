/** Real disks and guests take time: the power fails at a spread of the writes, or at all of them. */
import { crashSuite, everyCut } from "./crash.suite.ts"
import { makeReal } from "./real.ts"
import type { Scenario } from "./stage.ts"

const long = process.env["TINTYPE_LONG"] === "1"

/** Before one write and after another; all of them in the long run. */
const some = (count: number) => (writes: number) => {
  const all = everyCut(writes)
  if (long) return all
  const step = Math.max(1, Math.floor(all.length / count)) | 1
  return all.filter((_, index) => index % step === step >> 1)
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
