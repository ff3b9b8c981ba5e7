import { expect, test } from "vitest"
import { Clusters } from "./clusters.ts"
import { Combined } from "./combined.ts"
import { clusterBytes } from "./header.ts"
import type { LayerMap } from "./layer-map.ts"

const set = (...numbers: number[]): Clusters => {
  const clusters = new Clusters()
  for (const number of numbers) clusters.add(number)
  return clusters
}
const numbersIn = (clusters: Clusters) =>
  [...clusters.runs()].flatMap(({ first, count }) =>
    Array.from({ length: count }, (_, at) => first + at),
  )

/** Each cluster lies at its own number, moved by so many. */
function layer(data: number[], zero: number[], { moved = 0, sizeBytes = 100 * clusterBytes } = {}) {
  const map: LayerMap = {
    sizeBytes,
    data: set(...data),
    zero: set(...zero),
    hostOffset: (cluster) =>
      data.includes(cluster) ? (cluster + moved) * clusterBytes : undefined,
    memoryBytes: 0,
  }
  return map
}

const nothing = new Clusters()

test("of each cluster, the uppermost layer's: its bytes, or that it is zero", () => {
  const run = [layer([1, 2, 3, 4, 5], []), layer([2, 6], [3]), layer([3, 7], [4, 8])]
  const { data, zero } = new Combined(run, "a layer", nothing)
  expect(numbersIn(data)).toEqual([1, 2, 3, 5, 6, 7])
  expect(numbersIn(zero)).toEqual([4, 8])
  const sources = [...new Combined(run, "a layer", nothing).extents(0)]
  expect(sources.map(({ source, offset, rank }) => [source, offset / clusterBytes, rank])).toEqual([
    ...[
      [0, 1, 0],
      [1, 2, 1],
      [2, 3, 2],
      [0, 5, 3],
      [1, 6, 4],
      [2, 7, 5],
    ],
  ])
})

test("where nothing lies below, zeros need no cluster", () => {
  const { data, zero } = new Combined([layer([1], []), layer([], [1, 2])], "nothing", nothing)
  expect([data.size, zero.size]).toEqual([0, 0])
})

test("what nobody can read is left out", () => {
  const combined = new Combined([layer([1, 2], []), layer([2], [])], "a layer", set(2))
  expect(numbersIn(combined.data)).toEqual([1])
})

test("neighbours in one file go together, up to a mebibyte, and so many are skipped", () => {
  const run = [
    layer(
      Array.from({ length: 40 }, (_, at) => at),
      [],
      { moved: 9 },
    ),
  ]
  const lengths = (skip: number) =>
    [...new Combined(run, "nothing", nothing).extents(skip)].map(({ offset, length, rank }) => [
      ...[offset / clusterBytes, length / clusterBytes, rank],
    ])
  expect(lengths(0)).toEqual([
    [9, 16, 0],
    [25, 16, 16],
    [41, 8, 32],
  ])
  expect(lengths(30)).toEqual([[39, 10, 30]])
})

test("beyond the end of a smaller layer there are zeros, whatever its last cluster holds", () => {
  const small = layer([1, 2], [], { sizeBytes: 2 * clusterBytes + 512 })
  const [extent, ...more] = new Combined([small, layer([], [])], "nothing", nothing).extents(0)
  expect(extent).toMatchObject({ length: 2 * clusterBytes, shown: clusterBytes + 512 })
  expect(more).toEqual([])
})
