import { expect, test } from "vitest"
import { parseDuration, parseMemoryMiB, parseSize, showAge, showSize } from "./sizes.ts"

test("sizes are binary, and plain numbers are bytes", () => {
  const read: [string, number][] = [
    ["512", 512],
    ["64M", 64 * 2 ** 20],
    ["10G", 10 * 2 ** 30],
    ["1T", 2 ** 40],
    ["1.5g", 1.5 * 2 ** 30],
    ["4KiB", 4096],
    ["4KB", 4096],
  ]
  for (const [text, bytes] of read) expect([text, parseSize(text)]).toEqual([text, bytes])
})

test("what is no size is refused", () => {
  for (const text of ["", "0", "-1", "1X", "G", "1.0001K", "9999P", "0x10", "1 000"]) {
    expect(() => parseSize(text), text).toThrow("A size is")
  }
})

test("memory is in MiB unless it says otherwise", () => {
  expect(["512", "512M", "1G"].map(parseMemoryMiB)).toEqual([512, 512, 1024])
  for (const text of ["0", "1K", "much"]) expect(() => parseMemoryMiB(text), text).toThrow()
})

test("times are in seconds unless they say otherwise", () => {
  expect(["30", "30s", "0.5", "250ms", "5m", "1h"].map(parseDuration)).toEqual([
    30_000, 30_000, 500, 250, 300_000, 3_600_000,
  ])
  for (const text of ["", "soon", "5d", "-1"]) expect(() => parseDuration(text), text).toThrow()
})

test("sizes and ages are shown for people", () => {
  expect([0, 1023, 1024, 1536, 10 * 2 ** 30, 2 ** 40, 150.4 * 2 ** 20].map(showSize)).toEqual([
    "0 B",
    "1023 B",
    "1 KiB",
    "1.5 KiB",
    "10 GiB",
    "1 TiB",
    "150 MiB",
  ])
  const now = Date.parse("2030-01-10T00:00:00Z")
  const ages = ["2030-01-09T23:59:58Z", "2030-01-09T23:00:00Z", "2030-01-01T00:00:00Z"]
  expect(ages.map((at) => showAge(at, now))).toEqual(["just now", "60 min", "9 d"])
})
