/**
 * A set of a disk's clusters, by number: one bit each, in tables of as many as one L2 table of a
 * layer maps. A table without any costs nothing, so the set of a large and mostly empty disk is
 * small, and sets are joined and met 32 clusters at a time.
 */
export const clustersPerTable = 8192
const wordsPerTable = clustersPerTable / 32

export class Clusters {
  readonly #tables = new Map<number, Uint32Array>()
  #size = 0

  get size(): number {
    return this.#size
  }

  get isEmpty(): boolean {
    return this.#size === 0
  }

  /** Memory that the bits take. */
  get bytes(): number {
    return this.#tables.size * wordsPerTable * 4
  }

  add(cluster: number): void {
    const table = this.#table(Math.floor(cluster / clustersPerTable))
    const word = (cluster % clustersPerTable) >>> 5
    const before = table[word] ?? 0
    const after = (before | (1 << (cluster & 31))) >>> 0
    if (after === before) return
    table[word] = after
    this.#size++
  }

  has(cluster: number): boolean {
    const table = this.#tables.get(Math.floor(cluster / clustersPerTable))
    if (table === undefined) return false
    return (((table[(cluster % clustersPerTable) >>> 5] ?? 0) >>> (cluster & 31)) & 1) === 1
  }

  /** In place, at the cost of the other's size alone. */
  addAll(other: Clusters): void {
    for (const [index, more] of other.#tables) {
      const table = this.#table(index)
      for (let word = 0; word < wordsPerTable; word++) {
        const added = (more[word] ?? 0) & ~(table[word] ?? 0)
        if (added === 0) continue
        table[word] = (table[word] ?? 0) | added
        this.#size += onesIn(added)
      }
    }
  }

  removeAll(other: Clusters): void {
    for (const [index, less] of other.#tables) {
      const table = this.#tables.get(index)
      if (table === undefined) continue
      let left = 0
      for (let word = 0; word < wordsPerTable; word++) {
        const before = table[word] ?? 0
        const removed = before & (less[word] ?? 0)
        left |= before ^ removed
        if (removed === 0) continue
        table[word] = before ^ removed
        this.#size -= onesIn(removed)
      }
      if (left === 0) this.#tables.delete(index)
    }
  }

  union(other: Clusters): Clusters {
    const [large, small] = this.#tables.size < other.#tables.size ? [other, this] : [this, other]
    const result = large.#copy()
    result.addAll(small)
    return result
  }

  intersection(other: Clusters): Clusters {
    const [large, small] = this.#tables.size < other.#tables.size ? [other, this] : [this, other]
    const result = new Clusters()
    for (const [index, table] of small.#tables) {
      const also = large.#tables.get(index)
      if (also === undefined) continue
      const met = table.map((word, at) => word & (also[at] ?? 0))
      const count = met.reduce((sum, word) => sum + onesIn(word), 0)
      if (count > 0) result.#tables.set(index, met)
      result.#size += count
    }
    return result
  }

  minus(other: Clusters): Clusters {
    const result = this.#copy()
    result.removeAll(other)
    return result
  }

  /** Neighbours together, in order. */
  *runs(): Generator<{ first: number; count: number }> {
    let [first, end] = [0, 0]
    for (const cluster of this.#inOrder()) {
      if (cluster !== end) {
        if (end > first) yield { first, count: end - first }
        first = cluster
      }
      end = cluster + 1
    }
    if (end > first) yield { first, count: end - first }
  }

  *#inOrder(): Generator<number> {
    for (const index of [...this.#tables.keys()].sort((a, b) => a - b)) {
      const table = this.#table(index)
      for (let word = 0; word < wordsPerTable; word++) {
        const at = index * clustersPerTable + word * 32
        for (let bits = table[word] ?? 0; bits !== 0; bits &= bits - 1) {
          yield at + 31 - Math.clz32(bits & -bits)
        }
      }
    }
  }

  #table(index: number): Uint32Array {
    const known = this.#tables.get(index)
    if (known !== undefined) return known
    const table = new Uint32Array(wordsPerTable)
    this.#tables.set(index, table)
    return table
  }

  #copy(): Clusters {
    const copy = new Clusters()
    for (const [index, table] of this.#tables) copy.#tables.set(index, table.slice())
    copy.#size = this.#size
    return copy
  }
}

/** Counted in parallel: pairs, then fours, then bytes (Warren, Hacker's Delight, 5-1). */
function onesIn(word: number): number {
  const pairs = word - ((word >>> 1) & 0x55555555)
  const fours = (pairs & 0x33333333) + ((pairs >>> 2) & 0x33333333)
  return Math.imul((fours + (fours >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24
}
