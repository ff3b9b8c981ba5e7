/**
 * The disk of the memory engine: layers with real bytes. It outlives the engine, as a disk
 * outlives a server, so that a test can end one engine and open the next on the same world.
 */
export type World = { layers: Map<string, MemoryLayer> }

export const newWorld = (): World => ({ layers: new Map() })

export const blockBytes = 4096

/** Bytes written here, over those of the layer below, over zeros. */
export class MemoryLayer {
  /**
   * What a process that has it open sees below it. The engine's records say what that should be;
   * the two are brought together when a disk is opened, and by a host's restack.
   */
  parent: MemoryLayer | null
  readonly sizeBytes: number
  /** Once something stands on it or keeps it, a layer never changes. */
  frozen = false
  /** Removed: nobody may have it under their disk any more. */
  gone = false
  readonly #blocks: Map<number, Buffer>

  constructor(parent: MemoryLayer | null, sizeBytes: number, blocks = new Map<number, Buffer>()) {
    this.parent = parent
    this.sizeBytes = sizeBytes
    this.#blocks = blocks
  }

  /** The same bytes over another layer, for reading. */
  over(parent: MemoryLayer | null): MemoryLayer {
    return new MemoryLayer(parent, this.sizeBytes, this.#blocks)
  }

  get isEmpty(): boolean {
    return this.#blocks.size === 0
  }

  /** Bytes that it takes, in the manner of a file's blocks. */
  get heldBytes(): number {
    return this.#blocks.size * blockBytes
  }

  /** The numbers of the blocks that it holds itself. */
  get ownBlocks(): ReadonlySet<number> {
    return new Set(this.#blocks.keys())
  }

  /** Takes over every block of another layer that it does not hold itself. */
  absorb(other: MemoryLayer): void {
    for (const [number, block] of other.#blocks) {
      if (!this.#blocks.has(number)) this.#blocks.set(number, block)
    }
  }

  /** Gives back blocks that everybody who reads through it has over it. */
  giveBack(numbers: Iterable<number>): void {
    for (const number of numbers) this.#blocks.delete(number)
  }

  /** Where something was written, here or below, in order; the rest is zeros. */
  writtenRuns(): { offset: number; length: number }[] {
    const numbers = new Set<number>()
    for (let layer: MemoryLayer | null = this; layer !== null; layer = layer.parent) {
      for (const number of layer.#blocks.keys()) numbers.add(number)
    }
    const runs: { offset: number; length: number }[] = []
    for (const number of [...numbers].sort((a, b) => a - b)) {
      const offset = number * blockBytes
      const length = Math.min(blockBytes, this.sizeBytes - offset)
      const last = runs.at(-1)
      if (last !== undefined && last.offset + last.length === offset) last.length += length
      else runs.push({ offset, length })
    }
    return runs
  }

  read(offset: number, length: number): Buffer {
    this.#expectInside(offset, length)
    const bytes = Buffer.alloc(length)
    this.#eachBlock(offset, length, (number, within, at, count) => {
      this.#find(number)?.copy(bytes, at, within, within + count)
    })
    return bytes
  }

  write(offset: number, bytes: Uint8Array): void {
    this.#expectInside(offset, bytes.length)
    if (this.frozen) throw new Error("a frozen layer was written to")
    this.#eachBlock(offset, bytes.length, (number, within, at, count) => {
      // Other layers may hold the same block: a changed one is a new one.
      const block = Buffer.from(this.#find(number) ?? emptyBlock)
      block.set(bytes.subarray(at, at + count), within)
      this.#blocks.set(number, block)
    })
  }

  #expectInside(offset: number, length: number): void {
    if (offset >= 0 && offset + length <= this.sizeBytes) return
    throw new Error(`bytes ${offset} to ${offset + length} of a disk of ${this.sizeBytes}`)
  }

  #find(number: number): Buffer | undefined {
    for (let layer: MemoryLayer | null = this; layer !== null; layer = layer.parent) {
      if (layer.gone) throw new Error("an open disk stands on a layer that is gone")
      const block = layer.#blocks.get(number)
      if (block !== undefined) return block
    }
    return undefined
  }

  #eachBlock(
    offset: number,
    length: number,
    visit: (number: number, within: number, at: number, count: number) => void,
  ): void {
    for (let at = 0; at < length; ) {
      const within = (offset + at) % blockBytes
      const count = Math.min(blockBytes - within, length - at)
      visit(Math.floor((offset + at) / blockBytes), within, at, count)
      at += count
    }
  }
}

const emptyBlock = Buffer.alloc(blockBytes)
