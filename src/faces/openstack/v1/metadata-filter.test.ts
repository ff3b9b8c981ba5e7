import { expect, test } from "vitest"
import { readPairs } from "./metadata-filter.ts"

test("pairs are read as Python prints them, and as JSON", () => {
  expect(readPairs(`{'a': 'b', u'it\\'s': u"so"}`)).toEqual({ a: "b", "it's": "so" })
  expect(readPairs('{"a": "it\'s", "n": 1}')).toEqual({ a: "it's", n: "1" })
})

test("what is no set of pairs is none", () => {
  for (const text of ["", "x", "[]", "{'a'}", "{'a': 'b", "{'a': 'b\\", "{'a': {}}", "'"]) {
    expect(readPairs(text), text).toBeUndefined()
  }
})

test("a text that is never closed is passed in one go", () => {
  expect(readPairs(`{'a': '${"\\'".repeat(500_000)}`)).toBeUndefined()
})
