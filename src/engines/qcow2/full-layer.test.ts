import { expect, test } from "vitest"
import { Clusters } from "./clusters.ts"
import { FullLayer } from "./full-layer.ts"
import { clusterBytes, parseHeader } from "./header.ts"

const tebi = 2 ** 40

/** The first so many clusters of a disk, without the bits. */
const first = (size: number) =>
  ({
    size,
    *runs() {
      if (size > 0) yield { first: 0, count: size }
    },
  }) as unknown as Clusters

/** In clusters: where everything begins, by the header and by what is said of the data. */
function laidOut(sizeBytes: number, dataClusters: number) {
  const layer = new FullLayer({ sizeBytes, data: first(dataClusters), zero: new Clusters() })
  const [header] = layer.metadata("below.qcow2")
  if (header === undefined) throw new Error("no header")
  const said = parseHeader(Buffer.concat([header.bytes, Buffer.alloc(64)]))
  const { refcountTableClusters, l1Offset, l1Entries } = said
  const data = layer.offsetOf(0) / clusterBytes
  const l1 = l1Offset / clusterBytes
  const end = layer.fileBytes / clusterBytes
  return { refcountTableClusters, blocks: l1 - 1 - refcountTableClusters, l1, l1Entries, data, end }
}

test.each([
  [tebi, 0],
  [tebi, 1],
  [tebi, 32_761],
  [tebi, 32_762],
  [tebi, 16 * 2 ** 20],
  [64 * tebi, 2 ** 28],
  [64 * tebi, 2 ** 30],
])(
  "of %i bytes with %i clusters: there are counts for every cluster, and no more",
  (size, count) => {
    const { refcountTableClusters, blocks, l1, l1Entries, data, end } = laidOut(size, count)
    expect(blocks).toBe(Math.ceil(end / (clusterBytes / 2)))
    expect(refcountTableClusters).toBe(Math.ceil((blocks * 8) / clusterBytes))
    expect(l1Entries).toBe(size / 2 ** 29)
    expect(data - l1 - Math.ceil((l1Entries * 8) / clusterBytes)).toBe(Math.ceil(count / 8192))
    expect(end - data).toBe(count)
  },
)

test("what lies where is told by one text, and another where anything differs", () => {
  const set = (...numbers: number[]) => {
    const clusters = new Clusters()
    for (const number of numbers) clusters.add(number)
    return clusters
  }
  const text = (sizeBytes: number, data: Clusters, zero: Clusters) =>
    new FullLayer({ sizeBytes, data, zero }).layout
  const same = [text(tebi, set(1, 2, 9), set(3)), text(tebi, set(9, 2, 1), set(3))]
  expect(new Set(same).size).toBe(1)
  const others = [
    text(tebi, set(1, 2), set(3, 9)),
    text(tebi, set(1, 2, 9, 3), set()),
    text(2 * tebi, set(1, 2, 9), set(3)),
    text(tebi, set(1, 2, 10), set(3)),
  ]
  expect(new Set([...same, ...others]).size).toBe(5)
})
