import { crashSuite, everyCut, everyOperationHasAStory } from "../crash/crash.suite.ts"
import { makeFakes } from "../crash/fakes.ts"

crashSuite("fakes", makeFakes, { cuts: everyCut, timeoutMs: 1_200_000 })

everyOperationHasAStory()
