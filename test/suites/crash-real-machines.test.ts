import { realCrashSuite } from "../crash/spread.ts"

realCrashSuite("real machines", {
  cuts: 2,
  only: ({ name, boots }) => Boolean(boots) && name.startsWith("machine-"),
})
