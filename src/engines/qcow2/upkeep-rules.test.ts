import { describe, expect, test } from "vitest"
import { cheapestWindow, type Sized, shortestWindow, tiers } from "./upkeep-rules.ts"

const mebi = 2 ** 20
const gibi = 2 ** 30
const sized = (...bytes: number[]): Sized<number>[] => bytes.map((bytes, id) => ({ id, bytes }))
const ids = (layers: readonly Sized<number>[]) => layers.map(({ id }) => id)

describe("what is merged", () => {
  test("small layers all together, whatever their sizes", () => {
    expect(tiers(sized(mebi, 1, 30 * mebi, 4096)).map(ids)).toEqual([[0, 1, 2, 3]])
  })

  test("a large base stays under a small layer, and the small ones above it are one", () => {
    expect(tiers(sized(gibi, 9 * mebi, 9 * mebi)).map(ids)).toEqual([[1, 2]])
  })

  test("layers of a size, however large", () => {
    expect(tiers(sized(4 * gibi, gibi)).map(ids)).toEqual([[0, 1]])
    expect(tiers(sized(4 * gibi + 1, gibi)).map(ids)).toEqual([])
  })

  test("a huge layer is not copied to get rid of a tiny one", () => {
    expect(tiers(sized(mebi, 10 * gibi)).map(ids)).toEqual([])
  })

  test("one alone is nothing to merge", () => {
    expect(tiers(sized(mebi))).toEqual([])
  })
})

describe("where a path is shortened", () => {
  const everywhere = () => true

  test("where the bytes are fewest for each layer saved", () => {
    const path = sized(1, 90, 90, 90, 10, 10, 10, 10, 90, 90)
    expect(ids(cheapestWindow(path, 4, everywhere) ?? [])).toEqual([4, 5, 6, 7])
  })

  test("never with the lowest layer, nor with one that is taken", () => {
    const path = sized(1, 1, 1, 1, 1, 1)
    expect(ids(cheapestWindow(path, 2, everywhere) ?? [])).toEqual([1, 2, 3, 4, 5])
    expect(ids(cheapestWindow(path, 2, ({ id }) => id !== 3) ?? [])).toEqual([1, 2])
    expect(cheapestWindow(path, 6, everywhere)).toBe(null)
  })

  test("a large copy is not copied again for a few layers above it, unless nothing else is left", () => {
    expect(ids(cheapestWindow(sized(1, 40, 40, 40, 90, 2, 2), 3, everywhere) ?? [])).toEqual([
      1, 2, 3, 4, 5, 6,
    ])
    expect(ids(cheapestWindow(sized(1, 90, 1, 1), 3, everywhere) ?? [])).toEqual([1, 2, 3])
  })

  test.each([100, 1000, 5000])("over %i points each byte is copied a few times only", (points) => {
    const softDepth = 24
    let path = sized(1000)
    let copied = 0
    for (let point = 1; point <= points; point++) {
      path.push({ id: point, bytes: 1 })
      if (path.length <= softDepth) continue
      const window = cheapestWindow(path, shortestWindow(softDepth), everywhere) ?? []
      const bytes = window.reduce((sum, layer) => sum + layer.bytes, 0)
      copied += bytes
      const at = path.findIndex(({ id }) => id === window[0]?.id)
      path = path.toSpliced(at, window.length, { id: -point, bytes })
      expect(path.length).toBeLessThanOrEqual(softDepth)
    }
    expect(copied / points).toBeLessThan(Math.log2(points) / 2)
  })

  test("stretches are eight at least, and shorter only where the limit is", () => {
    expect([2, 4, 9, 24, 48].map(shortestWindow)).toEqual([2, 2, 3, 8, 8])
  })
})
