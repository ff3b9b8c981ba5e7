/**
 * What a layer has given back. Holes read as zeros, and nothing in a layer's own tables tells them
 * from zeros that were written; so before the first hole is made this is on disk, beside the layer:
 * whoever would read the layer itself, and not through those that stand on it, must not.
 */
import { Clusters } from "./clusters.ts"

export type Hollow = {
  clusters: Clusters
  /** The holes have been made; otherwise some of them may have been. */
  made: boolean
}

/** 32-bit numbers, the low byte first: whether it is made, then first and count of each run. */
export function writeHollow({ clusters, made }: Hollow): Buffer {
  const numbers = [made ? 1 : 0]
  for (const { first, count } of clusters.runs()) numbers.push(first, count)
  const bytes = Buffer.alloc(numbers.length * 4)
  for (const [at, number] of numbers.entries()) bytes.writeUInt32LE(number, at * 4)
  return bytes
}

/** An empty one, made where there was no room for more, says that anything may be missing. */
export function readHollow(bytes: Buffer): Hollow {
  const clusters = new Clusters()
  for (let at = 4; at + 8 <= bytes.length; at += 8) {
    const first = bytes.readUInt32LE(at)
    for (let more = bytes.readUInt32LE(at + 4); more > 0; more--) clusters.add(first + more - 1)
  }
  return { clusters, made: bytes.length >= 4 && bytes.readUInt32LE(0) === 1 }
}
