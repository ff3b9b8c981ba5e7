/**
 * A whole layer of ours, laid out before a byte of it is written: which clusters it holds decides
 * where each of them lies, so a copy that was interrupted goes on where it was.
 *
 *     header | refcount table | refcount blocks | L1 table | L2 tables | the data, in disk order
 *
 * Every cluster of the file is used, once.
 */
import { createHash } from "node:crypto"
import { type Clusters, clustersPerTable } from "./clusters.ts"
import { bytesPerL1Entry, clusterBytes, headerOf } from "./header.ts"

const countsPerBlock = clusterBytes / 2
const entriesPerCluster = clusterBytes / 8
/** Of an entry: what it names has exactly one reference, so it may be written in place. */
const copiedFlag = 1n << 63n
const zeroFlag = 1n

export type Content = { sizeBytes: number; data: Clusters; zero: Clusters }
export type Piece = { at: number; bytes: Buffer }

export class FullLayer {
  readonly #content: Content
  readonly #l1Entries: number
  readonly #tables: number[]
  readonly #refcountTableClusters: number
  readonly #refcountBlocks: number
  readonly #l1Clusters: number
  /** In clusters from the file's start. */
  readonly #l1At: number
  readonly #firstTable: number
  readonly #firstData: number

  constructor(content: Content) {
    this.#content = content
    this.#l1Entries = Math.ceil(content.sizeBytes / bytesPerL1Entry)
    this.#l1Clusters = Math.ceil(this.#l1Entries / entriesPerCluster)
    this.#tables = [...tablesOf(content)]
    const others = 1 + this.#l1Clusters + this.#tables.length + content.data.size
    const { table, blocks } = refcountsFor(others)
    this.#refcountTableClusters = table
    this.#refcountBlocks = blocks
    this.#l1At = 1 + table + blocks
    this.#firstTable = this.#l1At + this.#l1Clusters
    this.#firstData = this.#firstTable + this.#tables.length
  }

  get fileBytes(): number {
    return (this.#firstData + this.#content.data.size) * clusterBytes
  }

  /** Where the data cluster lies that so many others come before. */
  offsetOf(rank: number): number {
    return (this.#firstData + rank) * clusterBytes
  }

  /** Two layers with the same text have every cluster in the same place. */
  get layout(): string {
    const { sizeBytes, data, zero } = this.#content
    const hash = createHash("sha256").update(String(sizeBytes))
    for (const clusters of [data, zero]) {
      hash.update("|")
      const numbers = new Uint32Array(8192)
      let filled = 0
      for (const { first, count } of clusters.runs()) {
        numbers[filled++] = first
        numbers[filled++] = count
        if (filled < numbers.length) continue
        hash.update(numbers)
        filled = 0
      }
      hash.update(numbers.subarray(0, filled))
    }
    return hash.digest("hex")
  }

  /** All that is not data, in order; `backing` is the parent's file name. */
  *metadata(backing: string | null): Generator<Piece> {
    const { sizeBytes } = this.#content
    const table = this.#refcountTableClusters
    yield {
      at: 0,
      bytes: headerOf({
        sizeBytes,
        l1Entries: this.#l1Entries,
        l1Offset: this.#l1At * clusterBytes,
        refcountTableClusters: table,
        backing,
      }),
    }
    yield { at: clusterBytes, bytes: entries(1 + table, this.#refcountBlocks, 0n) }
    yield* this.#refcounts()
    yield { at: this.#l1At * clusterBytes, bytes: this.#l1() }
    let at = this.#firstTable
    for (const bytes of this.#l2Tables()) yield { at: at++ * clusterBytes, bytes }
  }

  *#refcounts(): Generator<Piece> {
    const clusters = this.#firstData + this.#content.data.size
    for (let block = 0; block < this.#refcountBlocks; block++) {
      const bytes = Buffer.alloc(clusterBytes)
      const count = Math.min(countsPerBlock, clusters - block * countsPerBlock)
      for (let at = 0; at < count; at++) bytes.writeUInt16BE(1, at * 2)
      yield { at: (1 + this.#refcountTableClusters + block) * clusterBytes, bytes }
    }
  }

  #l1(): Buffer {
    const bytes = Buffer.alloc(this.#l1Clusters * clusterBytes)
    for (const [number, index] of this.#tables.entries()) {
      writeEntry(bytes, index, (this.#firstTable + number) * clusterBytes, copiedFlag)
    }
    return bytes
  }

  *#l2Tables(): Generator<Buffer> {
    const { data, zero } = this.#content
    const datas = stretches(data)
    const zeros = stretches(zero)
    let [nextData, nextZero] = [datas.next(), zeros.next()]
    let rank = 0
    for (const index of this.#tables) {
      const bytes = Buffer.alloc(clusterBytes)
      for (; !nextData.done && nextData.value.table === index; nextData = datas.next()) {
        const { from, count } = nextData.value
        for (let at = from; at < from + count; at++) {
          writeEntry(bytes, at, this.offsetOf(rank++), copiedFlag)
        }
      }
      for (; !nextZero.done && nextZero.value.table === index; nextZero = zeros.next()) {
        const { from, count } = nextZero.value
        for (let at = from; at < from + count; at++) writeEntry(bytes, at, 0, zeroFlag)
      }
      yield bytes
    }
  }
}

const writeEntry = (bytes: Buffer, index: number, offset: number, flags: bigint) =>
  bytes.writeBigUInt64BE(BigInt(offset) | flags, index * 8)

/** Entries that name so many clusters, one after the other. */
function entries(firstCluster: number, count: number, flags: bigint): Buffer {
  const bytes = Buffer.alloc(count * 8)
  for (let at = 0; at < count; at++) {
    writeEntry(bytes, at, (firstCluster + at) * clusterBytes, flags)
  }
  return bytes
}

/** Refcounts count their own clusters too. */
function refcountsFor(otherClusters: number): { table: number; blocks: number } {
  let [table, blocks] = [1, 1]
  for (;;) {
    const needed = Math.ceil((otherClusters + table + blocks) / countsPerBlock)
    const tableNeeded = Math.ceil(needed / entriesPerCluster)
    if (needed === blocks && tableNeeded === table) return { table, blocks }
    ;[table, blocks] = [Math.max(table, tableNeeded), Math.max(blocks, needed)]
  }
}

function* tablesOf({ data, zero }: Content): Generator<number> {
  const indices = new Set<number>()
  for (const clusters of [data, zero]) {
    for (const { table } of stretches(clusters)) indices.add(table)
  }
  yield* [...indices].sort((a, b) => a - b)
}

/** Neighbours within one L2 table, in order. */
function* stretches(clusters: Clusters): Generator<{ table: number; from: number; count: number }> {
  for (const { first, count } of clusters.runs()) {
    const end = first + count
    for (let at = first; at < end; ) {
      const table = Math.floor(at / clustersPerTable)
      const until = Math.min(end, (table + 1) * clustersPerTable)
      yield { table, from: at - table * clustersPerTable, count: until - at }
      at = until
    }
  }
}
