import { crashSuite, everyCut } from "../crash/crash.suite.ts"
import { makeReal } from "../crash/real.ts"

const long = process.env["TINTYPE_LONG"] === "1"

/** A spread of the cuts, before one write and after the next; all of them in the long run. */
const some = (count: number) => (writes: number) => {
  const all = everyCut(writes)
  if (long) return all
  const step = Math.max(1, Math.floor(all.length / count)) | 1
  return all.filter((_, index) => index % step === step >> 1)
}

crashSuite("real volumes", makeReal, {
  cuts: some(6),
  only: (scenario) => !scenario.boots && scenario.hostFails === undefined,
  timeoutMs: 600_000,
})

crashSuite("real machines", makeReal, {
  cuts: some(2),
  only: (scenario) => scenario.boots && scenario.hostFails === undefined,
  timeoutMs: 3_600_000,
})
