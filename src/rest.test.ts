import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { startResting } from "./rest.ts"

beforeEach(() => vi.useFakeTimers())
afterEach(() => vi.useRealTimers())

test("memory is given back once it is quiet after much work, and not before", () => {
  const collect = vi.fn()
  const rest = startResting(collect)
  // Starting up was work, too.
  vi.advanceTimersByTime(5_000)
  expect(collect).toHaveBeenCalledTimes(1)
  // A health check now and then is none.
  for (let asked = 0; asked < 20; asked++) {
    rest.worked()
    vi.advanceTimersByTime(5_000)
  }
  expect(collect).toHaveBeenCalledTimes(1)
  for (let asked = 0; asked < 1_000; asked++) {
    rest.worked()
    vi.advanceTimersByTime(100)
  }
  expect(collect).toHaveBeenCalledTimes(1)
  vi.advanceTimersByTime(5_000)
  expect(collect).toHaveBeenCalledTimes(2)
  rest.stop()
  for (let asked = 0; asked < 1_000; asked++) rest.worked()
  vi.advanceTimersByTime(60_000)
  expect(collect).toHaveBeenCalledTimes(2)
})
