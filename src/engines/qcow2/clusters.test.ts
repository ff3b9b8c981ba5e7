import { describe, expect, test } from "vitest"
import { Clusters } from "./clusters.ts"

/** The same numbers at every run; near each other, far apart, and at the borders of words. */
function some(seed: number, count: number): Set<number> {
  const numbers = new Set([0, 31, 32, 8191, 8192, seed, 2 ** 30 + seed])
  let state = seed
  for (let at = 0; at < count; at++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    numbers.add(at % 3 === 0 ? state % 100_000 : 500_000 + (state % 2_000))
  }
  return numbers
}

function setOf(numbers: Iterable<number>): Clusters {
  const clusters = new Clusters()
  for (const number of numbers) clusters.add(number)
  return clusters
}

const numbersIn = (clusters: Clusters): number[] =>
  [...clusters.runs()].flatMap(({ first, count }) =>
    Array.from({ length: count }, (_, at) => first + at),
  )
const sorted = (numbers: Iterable<number>) => [...numbers].sort((a, b) => a - b)

describe("a set of clusters", () => {
  const [a, b] = [some(7, 3000), some(9, 3000)]

  test("holds what was added, once, in order", () => {
    const set = setOf([...a, ...a])
    expect(set.size).toBe(a.size)
    expect(numbersIn(set)).toEqual(sorted(a))
    for (const number of b) expect(set.has(number)).toBe(a.has(number))
    expect(set.isEmpty).toBe(false)
  })

  test("neighbours are one run, across words and tables", () => {
    const set = setOf([5, 30, 31, 32, 33, 8190, 8191, 8192, 16_384])
    expect([...set.runs()]).toEqual([
      { first: 5, count: 1 },
      { first: 30, count: 4 },
      { first: 8190, count: 3 },
      { first: 16_384, count: 1 },
    ])
  })

  test.each([
    ["union", [...a, ...b]],
    ["intersection", [...a].filter((number) => b.has(number))],
    ["minus", [...a].filter((number) => !b.has(number))],
  ] as const)("%s makes a new set and leaves both as they were", (verb, expected) => {
    const [left, right] = [setOf(a), setOf(b)]
    const result = left[verb](right)
    expect(numbersIn(result)).toEqual(sorted(new Set(expected)))
    expect(result.size).toBe(new Set(expected).size)
    result.add(77)
    expect(numbersIn(left)).toEqual(sorted(a))
    expect(numbersIn(right)).toEqual(sorted(b))
  })

  test("without any is empty and takes no memory", () => {
    const [few, none] = [setOf([1, 2 ** 30]), new Clusters()]
    for (const empty of [none, few.minus(few), few.intersection(none), none.union(none)]) {
      expect(empty.isEmpty).toBe(true)
      expect(empty.bytes).toBe(0)
      expect([...empty.runs()]).toEqual([])
    }
    expect(few.bytes).toBe(2048)
  })
})
