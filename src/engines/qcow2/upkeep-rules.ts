/**
 * Which layers are worth copying into one. Copies are paid for by what they save: each byte is
 * copied a number of times that grows with the logarithm of the layers, not with their number.
 */

/** Whatever this small is merged without counting. */
const smallBytes = 64 * 2 ** 20
/** What may go under the rest of a run by its size: no more than this times as large. */
const largerTimes = 4
/** And the rest must not be so much larger that copying it saves next to nothing. */
const smallerTimes = 16

/** As many files as a copy has open at once; a path may come from a time without upkeep. */
const longestRun = 128

export type Sized<Id> = { id: Id; bytes: number }

/**
 * Of layers that may all be merged into the last of them, the runs that should be, each the lowest
 * first: from the top down, as long as the next is of a size with what is gathered already. So a
 * large base is not copied again for every small layer that comes to lie on it.
 */
export function tiers<Id>(layers: readonly Sized<Id>[]): Sized<Id>[][] {
  const runs: Sized<Id>[][] = []
  let run: Sized<Id>[] = []
  for (const layer of layers.toReversed()) {
    const full = run.length === longestRun
    if (full || (run.length > 0 && !ofASize(layer.bytes, totalBytes(run)))) {
      runs.push(run)
      run = []
    }
    run.unshift(layer)
  }
  runs.push(run)
  return runs.filter(({ length }) => length > 1)
}

function ofASize(belowBytes: number, aboveBytes: number): boolean {
  if (belowBytes + aboveBytes <= smallBytes) return true
  if (aboveBytes > smallerTimes * belowBytes) return false
  return belowBytes <= smallBytes || belowBytes <= largerTimes * aboveBytes
}

export const totalBytes = (layers: readonly { bytes: number }[]): number =>
  layers.reduce((sum, { bytes }) => sum + bytes, 0)

/**
 * The stretch of a path, the lowest layer first, that is shortened at the least cost: bytes copied
 * for each layer saved. The path's lowest layer is in none; `free` says which others may be.
 *
 * A stretch of which one layer is more than half comes second, however little it costs now: the
 * one large copy on a path would be copied again with every few layers above it. (Over 5000 equal
 * layers and a limit of 24, each byte is copied 4 times with this rule and 22 times without.)
 */
export function cheapestWindow<Id>(
  path: readonly Sized<Id>[],
  shortest: number,
  free: (layer: Sized<Id>) => boolean,
): Sized<Id>[] | null {
  const windows = [...windowsOf(path, shortest, free)]
  const balanced = windows.filter(({ largest, bytes }) => largest * 2 <= bytes)
  const [first, ...others] = balanced.length > 0 ? balanced : windows
  if (first === undefined) return null
  const { from, to } = others.reduce((best, one) => (one.cost < best.cost ? one : best), first)
  return path.slice(from, to + 1)
}

function* windowsOf<Id>(
  path: readonly Sized<Id>[],
  shortest: number,
  free: (layer: Sized<Id>) => boolean,
) {
  for (let from = 1; from < path.length; from++) {
    let [bytes, largest] = [0, 0]
    for (let to = from; to < Math.min(path.length, from + longestRun); to++) {
      const layer = path[to]
      if (layer === undefined || !free(layer)) break
      bytes += layer.bytes
      largest = Math.max(largest, layer.bytes)
      const length = to - from + 1
      if (length >= shortest) yield { from, to, bytes, largest, cost: bytes / (length - 1) }
    }
  }
}

/** Shorter stretches are not worth a copy; where the limit is low, they must be. */
export const shortestWindow = (softDepth: number): number =>
  Math.max(2, Math.min(8, Math.ceil(softDepth / 3)))
