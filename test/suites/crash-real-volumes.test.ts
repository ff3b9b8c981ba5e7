import { realCrashSuite } from "../crash/spread.ts"

realCrashSuite("real volumes", { cuts: 6, only: ({ boots }) => !boots })
