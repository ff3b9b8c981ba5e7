import { crashSuite, everyWrite } from "../crash/crash.suite.ts"
import { makeReal } from "../crash/real.ts"

const long = process.env["TINTYPE_LONG"] === "1"

/** A spread of the writes: the first, the last and some between; all of them in the long run. */
const some = (count: number) => (writes: number) =>
  long
    ? everyWrite(writes)
    : everyWrite(writes).filter((n) => (n - 1) % Math.ceil(writes / count) === 0)

crashSuite("real volumes", makeReal, {
  pick: some(4),
  only: (scenario) => !scenario.boots && scenario.hostFails === undefined,
  timeoutMs: 600_000,
})

crashSuite("real machines", makeReal, {
  pick: some(2),
  only: (scenario) => scenario.boots && scenario.hostFails === undefined,
  timeoutMs: 3_600_000,
})
