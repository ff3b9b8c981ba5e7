import { expect, test } from "vitest"
import { Pace } from "./pace.ts"

test("bytes wait for those before them, and nothing is saved up", async () => {
  let now = 1000
  const pace = new Pace(1_000_000, () => now)
  expect(pace.waitMs(5000)).toBe(0)
  expect(pace.waitMs(1000)).toBe(5)
  now += 2
  expect(pace.waitMs(1000)).toBe(4)
  now += 100
  expect(pace.waitMs(3000)).toBe(0)
  expect(pace.waitMs(1)).toBe(3)
})

test("whoever waits can be called off", async () => {
  const pace = new Pace(1)
  const controller = new AbortController()
  await pace.take(1_000_000, controller.signal)
  const waiting = pace.take(1, controller.signal)
  controller.abort(new Error("called off"))
  await expect(waiting).rejects.toThrow("called off")
})
