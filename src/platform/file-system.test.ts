import { expect, test } from "vitest"
import { fileSystemOf } from "./file-system.ts"

test("says how full it is, and looks again after a tenth of a second", () => {
  let now = 0
  const look = fileSystemOf(import.meta.dirname, () => now)
  const { totalBytes, freeBytes } = look()
  expect(totalBytes).toBeGreaterThan(freeBytes)
  expect(freeBytes).toBeGreaterThan(0)
  const first = look()
  now = 99
  expect(look()).toBe(first)
  now = 100
  expect(look()).not.toBe(first)
})

test("goes by the clock of the machine unless told otherwise", () => {
  expect(fileSystemOf(import.meta.dirname)().totalBytes).toBeGreaterThan(0)
})
