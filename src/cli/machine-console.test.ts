import { expect, test } from "vitest"
import { freshPart } from "./machine-console.ts"

test("of two tails of one growing text, only what is new is fresh", () => {
  const text = Array.from({ length: 400 }, (_, line) => `line ${line}\n`).join("")
  const tailAt = (end: number) => Buffer.from(text.slice(Math.max(0, end - 256), end))
  for (const [before, after] of [
    [0, 0],
    [0, 40],
    [40, 40],
    [40, 90],
    [200, 300],
    [300, 301],
    [1000, 1255],
  ] as const) {
    expect(freshPart(tailAt(before), tailAt(after)).toString()).toBe(text.slice(before, after))
  }
})

test("after a gap or a new beginning all of it is fresh", () => {
  expect(String(freshPart(Buffer.from("abc"), Buffer.from("xyz")))).toBe("xyz")
})
