/**
 * Volumes and points as they should be, beside those that an engine keeps: what each reads, what
 * it was made from, and where it was written since.
 */
import type { PointId, VolumeId } from "../domain/ids.ts"
import type { Change } from "./engine.ts"

const pageBytes = 4096

/** A disk's content; pages are shared between copies, so a written one is a new one. */
export class Content {
  readonly sizeBytes: number
  readonly #pages: Map<number, Buffer>

  constructor(sizeBytes: number, pages: ReadonlyMap<number, Buffer> = new Map()) {
    this.sizeBytes = sizeBytes
    this.#pages = new Map(pages)
  }

  copy(sizeBytes = this.sizeBytes): Content {
    return new Content(sizeBytes, this.#pages)
  }

  write(offset: number, bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const [number, within] = [Math.floor((offset + at) / pageBytes), (offset + at) % pageBytes]
      const part = bytes.subarray(at, at + pageBytes - within)
      const page = Buffer.from(this.#pages.get(number) ?? Buffer.alloc(pageBytes))
      page.set(part, within)
      this.#pages.set(number, page)
      at += part.length
    }
  }

  read(offset: number, length: number): Buffer {
    const bytes = Buffer.alloc(length)
    const first = Math.floor(offset / pageBytes)
    for (let number = first; number * pageBytes < offset + length; number++) {
      const from = Math.max(offset, number * pageBytes)
      const within = from - number * pageBytes
      this.#pages.get(number)?.copy(bytes, from - offset, within)
    }
    return bytes
  }

  bytes(): Buffer {
    return this.read(0, this.sizeBytes)
  }
}

export type Run = { offset: number; length: number }
/** `written`: runs since `from`; null where all of it may have been. */
type State = { content: Content; from: State | null; written: Run[] | null }

export class Model {
  readonly heads = new Map<VolumeId, State>()
  readonly points = new Map<PointId, State>()

  create(volume: VolumeId, sizeBytes: number, origin?: PointId): void {
    const from = origin === undefined ? null : this.#point(origin)
    const content = from?.content.copy(sizeBytes) ?? new Content(sizeBytes)
    this.heads.set(volume, { content, from, written: [] })
  }

  grow(volume: VolumeId, sizeBytes: number): void {
    const head = this.#head(volume)
    this.heads.set(volume, { ...head, content: head.content.copy(sizeBytes) })
  }

  write(volume: VolumeId, offset: number, bytes: Uint8Array): void {
    const head = this.#head(volume)
    head.content.write(offset, bytes)
    head.written?.push({ offset, length: bytes.length })
  }

  /** By a stream, which replaces everything. */
  replace(volume: VolumeId, bytes: Uint8Array): void {
    const content = new Content(this.content({ volume }).sizeBytes)
    content.write(0, bytes)
    this.heads.set(volume, { content, from: null, written: null })
  }

  keep(volume: VolumeId, point: PointId, to?: PointId): void {
    const kept = this.#head(volume)
    this.points.set(point, { ...kept, content: kept.content.copy() })
    const from = this.#point(to ?? point)
    const content = from.content.copy(kept.content.sizeBytes)
    this.heads.set(volume, { content, from, written: [] })
  }

  /** What `keep` kept is the head again; whoever stands on it may go on doing so. */
  unrevert(volume: VolumeId, keep: PointId): void {
    const kept = this.#point(keep)
    const { sizeBytes } = this.content({ volume })
    this.heads.set(volume, { content: kept.content.copy(sizeBytes), from: kept, written: [] })
    this.points.delete(keep)
  }

  content(of: { volume: VolumeId } | { point: PointId }): Content {
    return ("volume" in of ? this.#head(of.volume) : this.#point(of.point)).content
  }

  /**
   * What is wrong with changes that an engine told; null when nothing is. All that differs must be
   * among them; nothing may be that was not written on the way, nor, where both sides of a branch
   * wrote, that does not differ.
   */
  faultIn(changes: readonly Change[], ends: Ends, granuleBytes: number): string | null {
    const to = this.#point(ends.to)
    const from = ends.from === null ? null : this.#point(ends.from)
    const [mine, theirs] = sides(to, from, granuleBytes)
    const { sizeBytes } = to.content
    const told = new Map<number, Change>()
    let end = 0
    for (const change of changes) {
      if (change.offset < end) return `out of order at ${change.offset}`
      end = change.offset + change.length
      if (change.offset % granuleBytes !== 0 || (end % granuleBytes !== 0 && end !== sizeBytes)) {
        return `torn at ${change.offset}+${change.length}`
      }
      for (let at = change.offset; at < end; at += granuleBytes) told.set(at, change)
    }
    if (end > sizeBytes) return `beyond the end: ${end}`
    for (let at = 0; at < sizeBytes; at += granuleBytes) {
      const length = Math.min(granuleBytes, sizeBytes - at)
      const now = to.content.read(at, length)
      const differs = !now.equals((from?.content ?? new Content(sizeBytes)).read(at, length))
      const change = told.get(at)
      if (change === undefined && !differs) continue
      const zeros = now.equals(Buffer.alloc(length))
      if (change === undefined) return `${at} differs and is not told`
      if (change.zero && !zeros) return `${at} is told to be zeros`
      const [here, there] = [mine?.has(at) ?? true, theirs?.has(at) ?? true]
      if (!here && !there) return `${at} is told and was not written`
      const compared = from !== null && mine?.has(at) && theirs?.has(at)
      // Zeros over zeros may have left no trace on one side.
      if (compared && !differs && !zeros) return `${at} is told and is the same`
    }
    return null
  }

  #head(volume: VolumeId): State {
    const head = this.heads.get(volume)
    if (head === undefined) throw new Error(`the model has no volume ${volume}`)
    return head
  }

  #point(id: PointId): State {
    const point = this.points.get(id)
    if (point === undefined) throw new Error(`the model has no point ${id}`)
    return point
  }
}

type Ends = { from: PointId | null; to: PointId }

/** The granules written on either side since the two were one; null where that may be all. */
function sides(a: State, b: State | null, granuleBytes: number) {
  const [pathOfA, pathOfB] = [pathOf(a), b === null ? [] : pathOf(b)]
  const apart = (path: State[], other: State[]) => {
    const runs = path.filter((state) => !other.includes(state)).map(({ written }) => written)
    return runs.includes(null)
      ? null
      : granulesOf(
          runs.flatMap((run) => run ?? []),
          granuleBytes,
        )
  }
  return [apart(pathOfA, pathOfB), apart(pathOfB, pathOfA)] as const
}

function pathOf(state: State): State[] {
  const path: State[] = []
  for (let at: State | null = state; at !== null; at = at.from) path.push(at)
  return path
}

function granulesOf(runs: readonly Run[], granuleBytes: number): Set<number> {
  const granules = new Set<number>()
  for (const { offset, length } of runs) {
    const first = offset - (offset % granuleBytes)
    for (let at = first; at < offset + length; at += granuleBytes) granules.add(at)
  }
  return granules
}
