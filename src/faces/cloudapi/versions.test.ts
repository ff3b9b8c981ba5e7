import { expect, test } from "vitest"
import { dialectFor, versions, wantedRange } from "./versions.ts"

test.each([
  ["*", "9.0.0"],
  ["~9||~8", "9.0.0"],
  ["~7.2", "7.2.0"],
  ["~7.0", "7.0.0"],
  ["~7", "7.3.0"],
  ["8", "8.0.0"],
  ["7.1", "7.1.0"],
  ["7.1.0", "7.1.0"],
  ["=7.1.0", "7.1.0"],
  ["v7.3.0", "7.3.0"],
  ["7.x", "7.3.0"],
  ["7.2.*", "7.2.0"],
  ["^7.1.0", "7.3.0"],
  ["^8", "8.0.0"],
  [">=7 <8", "7.3.0"],
  [">= 7.1.0 < 7.3.0", "7.2.0"],
  [">7.1.0", "9.0.0"],
  ["<=8", "8.0.0"],
  ["<9", "8.0.0"],
  ["~6.5", "6.5.0"],
  ["6.5.0", "6.5.0"],
  ["~6.5||~7.0", "7.0.0"],
  ["~5 || 8.0", "8.0.0"],
  ["~9.0.0", "9.0.0"],
  ["7.0 - 7.2", "7.2.0"],
  ["7.1.0 - 8 || 7.0", "8.0.0"],
])("%s is answered in %s", (range, version) => {
  expect(dialectFor(range)?.version).toBe(version)
})

test.each(["~5", "10", "~6.4", ">9", "nine", "~~7", "7.0.0.0", "7.0.0-beta", "8 7"])(
  "%s is answered in no version",
  (range) => {
    expect(dialectFor(range)).toBeUndefined()
  },
)

test("a range as long as a book is none", () => {
  expect(dialectFor("~9||".repeat(5000))).toBeUndefined()
})

test("only who asks for 6.5 is told of success", () => {
  expect(dialectFor("~6.5")?.readyWord).toBe("success")
  expect(versions.map((version) => dialectFor(version)?.readyWord)).toEqual(
    versions.map(() => null),
  )
})

test("the headers have an order, and without any everything is fine", () => {
  const all = { "accept-version": "~9", "x-api-version": "~8", "api-version": "~7" }
  expect(wantedRange(all)).toBe("~9")
  expect(wantedRange({ ...all, "accept-version": "" })).toBe("~8")
  expect(wantedRange({ "api-version": " ~7.0 " })).toBe("~7.0")
  expect(wantedRange({})).toBe("*")
})
