import { crashSuite, everyOperationHasAStory, everyWrite } from "../crash/crash.suite.ts"
import { makeFakes } from "../crash/fakes.ts"

crashSuite("fakes", makeFakes, { pick: everyWrite, timeoutMs: 120_000 })

everyOperationHasAStory()
