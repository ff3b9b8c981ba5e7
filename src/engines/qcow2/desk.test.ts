import { afterEach, expect, test, vi } from "vitest"
import { Desk } from "./desk.ts"
import { newLayerId } from "./layer-files.ts"

afterEach(() => void vi.useRealTimers())

test("a layer onto which a second one may still move disks is left alone, and then looked at", () => {
  vi.useFakeTimers()
  const desk = new Desk()
  const layer = newLayerId()
  desk.told(layer)
  desk.told(layer)
  desk.finished(layer)
  expect(desk.settling()).toEqual(new Set([layer]))
  vi.advanceTimersByTime(119_000)
  expect(desk.changed.layers.has(layer)).toBe(false)
  vi.advanceTimersByTime(1000)
  expect(desk.settling()).toEqual(new Set())
  expect(desk.changed.layers.has(layer)).toBe(true)
})

test("one of which only one was told is free as soon as that one has finished", () => {
  const desk = new Desk()
  const layer = newLayerId()
  desk.told(layer)
  desk.finished(layer)
  expect(desk.settling()).toEqual(new Set())
})
