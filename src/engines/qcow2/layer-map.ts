/**
 * What a layer itself holds, read from its tables (QEMU's docs/interop/qcow2.txt, "Cluster
 * mapping"): the L1 table names L2 tables, and those name a host cluster for each cluster of the
 * disk. Only the tables that exist are read.
 *
 * A layer that QEMU is writing to can be read too. A table's entries are written in place, whole
 * sectors at a time; entries appear after what they name is there. What came after the file was
 * opened may be seen or not.
 */
import { type FileHandle, open } from "node:fs/promises"
import { endianness } from "node:os"
import { Clusters, clustersPerTable } from "./clusters.ts"
import { clusterBytes, parseHeader } from "./header.ts"

export type LayerMap = {
  sizeBytes: number
  /** Clusters whose bytes it holds. */
  data: Clusters
  /** Clusters that read as zeros, whatever lies below. */
  zero: Clusters
  /** Where in the file a cluster's bytes lie; also of a zero cluster that kept its place. */
  hostOffset(cluster: number): number | undefined
  /** Memory that all of it takes. */
  memoryBytes: number
}

const inFlight = 8
const littleEndian = endianness() === "LE"
/** Where the halves of an entry are once it is in the machine's own order. */
const [low, high] = littleEndian ? [0, 1] : [1, 0]
/** In the low half, the cluster reads as zeros. In the high one, it is compressed. */
const [zeroBit, compressedBit] = [1, 0x4000_0000]
/** The bits of each half that are the host offset's. */
const [lowOffset, highOffset] = [0xffff_fe00, 0x00ff_ffff]
/** Incompatible features that change what the tables mean. */
const [externalData, extendedEntries] = [1n << 2n, 1n << 4n]

export async function readLayerMap(path: string): Promise<LayerMap> {
  const file = await open(path, "r")
  try {
    return await mapOf(file, path)
  } finally {
    await file.close()
  }
}

async function mapOf(file: FileHandle, path: string): Promise<LayerMap> {
  const start = Buffer.alloc(clusterBytes)
  const { bytesRead } = await file.read(start, 0, start.length, 0)
  const header = parseHeader(start.subarray(0, bytesRead))
  const { version, clusterBits, incompatibleFeatures, l1Offset, l1Entries } = header
  const foreign = (incompatibleFeatures & (externalData | extendedEntries)) !== 0n
  if (version !== 3 || 2 ** clusterBits !== clusterBytes || foreign) {
    throw new Error(`${path} is no layer of ours: its clusters are of another kind`)
  }
  const map = new Tables(path, header.sizeBytes)
  const l1 = await entriesAt(file, l1Offset, l1Entries * 8)
  const named = [...offsetsIn(l1)]
  let fileBytes = (await file.stat()).size
  const readers = Array.from({ length: inFlight }, async () => {
    for (let next = named.pop(); next !== undefined; next = named.pop()) {
      const { index, at } = next
      if (at % clusterBytes !== 0) throw new Error(`${path} has a table at ${at}`)
      if (at >= fileBytes) fileBytes = (await file.stat()).size
      // Named, and not there yet: it holds nothing that anyone was promised.
      if (at < fileBytes) map.add(index, await entriesAt(file, at, clusterBytes))
    }
  })
  await Promise.all(readers)
  if (map.furthest >= (await file.stat()).size) {
    throw new Error(`${path} is cut: it has a cluster at ${map.furthest}`)
  }
  return map
}

/** The entries of a table, each in two halves. What lies beyond the file's end is zeros. */
async function entriesAt(file: FileHandle, at: number, length: number): Promise<Uint32Array> {
  const bytes = Buffer.alloc(length)
  await file.read(bytes, 0, length, at)
  if (littleEndian) bytes.swap64()
  return new Uint32Array(bytes.buffer, bytes.byteOffset, length / 4)
}

function* offsetsIn(l1: Uint32Array): Generator<{ index: number; at: number }> {
  for (let index = 0; index < l1.length / 2; index++) {
    const at = offsetOf(l1[2 * index + low] ?? 0, l1[2 * index + high] ?? 0)
    if (at !== 0) yield { index, at }
  }
}

const offsetOf = (lowHalf: number, highHalf: number) =>
  (highHalf & highOffset) * 2 ** 32 + ((lowHalf & lowOffset) >>> 0)

/** Host clusters of one table's clusters: `at[i]` lies at `hosts[i]`, in the table's order. */
type Places = { at: Uint16Array; hosts: Uint32Array }

class Tables implements LayerMap {
  readonly sizeBytes: number
  readonly data = new Clusters()
  readonly zero = new Clusters()
  /** The highest offset of bytes that it holds. */
  furthest = 0
  readonly #path: string
  readonly #places = new Map<number, Places>()

  constructor(path: string, sizeBytes: number) {
    this.#path = path
    this.sizeBytes = sizeBytes
  }

  get memoryBytes(): number {
    let bytes = this.data.bytes + this.zero.bytes
    for (const { at, hosts } of this.#places.values()) bytes += at.byteLength + hosts.byteLength
    return bytes
  }

  hostOffset(cluster: number): number | undefined {
    const places = this.#places.get(Math.floor(cluster / clustersPerTable))
    if (places === undefined) return undefined
    const found = indexOf(places.at, cluster % clustersPerTable)
    return found === undefined ? undefined : (places.hosts[found] ?? 0) * clusterBytes
  }

  add(index: number, entries: Uint32Array): void {
    const at = new Uint16Array(clustersPerTable)
    const hosts = new Uint32Array(clustersPerTable)
    let count = 0
    for (let entry = 0; entry < clustersPerTable; entry++) {
      const [lowHalf, highHalf] = [entries[2 * entry + low] ?? 0, entries[2 * entry + high] ?? 0]
      if (lowHalf === 0 && highHalf === 0) continue
      if ((highHalf & compressedBit) !== 0) throw this.#unexpected("a compressed cluster", entry)
      const host = offsetOf(lowHalf, highHalf)
      if (host % clusterBytes !== 0) throw this.#unexpected(`a cluster at ${host}`, entry)
      const cluster = index * clustersPerTable + entry
      if ((lowHalf & zeroBit) !== 0) this.zero.add(cluster)
      else if (host !== 0) this.data.add(cluster)
      if (host === 0) continue
      if ((lowHalf & zeroBit) === 0 && host > this.furthest) this.furthest = host
      at[count] = entry
      hosts[count++] = host / clusterBytes
    }
    this.#places.set(index, { at: at.slice(0, count), hosts: hosts.slice(0, count) })
  }

  #unexpected(what: string, entry: number): Error {
    return new Error(`${this.#path} is no layer of ours: ${what} in entry ${entry}`)
  }
}

function indexOf(sorted: Uint16Array, value: number): number | undefined {
  let [from, to] = [0, sorted.length]
  while (from < to) {
    const middle = (from + to) >>> 1
    if ((sorted[middle] ?? 0) < value) from = middle + 1
    else to = middle
  }
  return sorted[from] === value ? from : undefined
}
