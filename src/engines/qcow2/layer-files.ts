/**
 * Layers as files: `layers/<id>.qcow2`, made whole and durable, never renamed. One that has given
 * space back has a marker beside it, `<id>.hollow`.
 */
import { access, open, readFile, stat } from "node:fs/promises"
import { Refusal } from "../../domain/fault.ts"
import { type Id, newId, parseId } from "../../domain/ids.ts"
import {
  type Directory,
  errorCode,
  isOutOfSpace,
  openNew,
  type Rights,
  removeFile,
} from "../../platform/files.ts"
import { clusterBytes, emptyLayer, type Header, parseHeader } from "./header.ts"
import { type Hollow, readHollow, writeHollow } from "./hollow.ts"

export type LayerId = Id<"layer">
export const newLayerId = (): LayerId => newId<"layer">()

const suffix = ".qcow2"
export const layerFile = (id: LayerId): string => `${id}${suffix}`
/** The layer that a file name in the directory stands for. */
export const layerNamed = (name: string): LayerId | undefined =>
  name.endsWith(suffix) ? parseId<"layer">(name.slice(0, -suffix.length)) : undefined

const markerSuffix = ".hollow"
/** The layer that a marker in the directory stands beside. */
export const hollowNamed = (name: string): LayerId | undefined =>
  name.endsWith(markerSuffix) ? parseId<"layer">(name.slice(0, -markerSuffix.length)) : undefined

export type LayerShape = { sizeBytes: number; parent: LayerId | null }

export class LayerFiles {
  /** Layers being made: on disk, perhaps, and in nobody's record yet. */
  readonly unrecorded = new Set<LayerId>()
  readonly directory: Directory
  readonly #rights: Rights
  /** Made here, and never in anybody's hands since: all there is of them is on disk. */
  readonly #untouched = new Set<LayerId>()

  constructor(directory: Directory, rights: Rights) {
    this.directory = directory
    this.#rights = rights
  }

  /** An empty layer, durable. */
  async create(id: LayerId, shape: LayerShape): Promise<void> {
    const backing = shape.parent === null ? null : layerFile(shape.parent)
    const layer = emptyLayer(shape.sizeBytes, backing)
    try {
      await this.directory.createSmall(layerFile(id), this.#rights, layer)
    } catch (cause) {
      if (isOutOfSpace(cause)) throw await this.noSpace(layer.fileBytes)
      throw cause
    }
    this.#untouched.add(id)
  }

  /** A process has it, or is about to have it, to write into. */
  handedOut(id: LayerId): void {
    this.#untouched.delete(id)
  }

  /**
   * Whatever a process wrote into it that has closed it since, or died, is on disk for sure: it is
   * about to be frozen, and what is read of it then must be read for ever, also after a power cut.
   * Costs nothing where nobody has had it.
   */
  async settle(id: LayerId): Promise<void> {
    if (this.#untouched.delete(id)) return
    const file = await open(this.path(id), "r")
    try {
      await file.sync()
    } finally {
      await file.close()
    }
  }

  /**
   * Makes an empty layer and has it recorded: the file is durable before the record is. A refusal
   * means that nothing was recorded, and the file goes again. After any other failure the record
   * may stand, so the file stays; `recover` sweeps it if nobody knows it.
   */
  async make<T>(shape: LayerShape, record: (id: LayerId) => Promise<T>): Promise<T> {
    const id = newLayerId()
    this.unrecorded.add(id)
    try {
      await this.create(id, shape)
      return await record(id)
    } catch (cause) {
      if (cause instanceof Refusal) await this.remove([id])
      throw cause
    } finally {
      this.unrecorded.delete(id)
    }
  }

  /** Durably gone when it resolves; success where they are gone already. */
  async remove(ids: readonly LayerId[]): Promise<void> {
    if (ids.length === 0) return
    for (const id of ids) this.#untouched.delete(id)
    for (const id of ids) await removeFile(this.path(id))
    await this.directory.sync()
    // Only now: a hollow layer is never there without its marker.
    for (const id of ids) await removeFile(this.#marker(id))
  }

  /** Whether it may have holes where it held data: then nobody but those above it may read it. */
  async isHollow(id: LayerId): Promise<boolean> {
    try {
      await access(this.#marker(id))
      return true
    } catch (cause) {
      if (errorCode(cause) === "ENOENT") return false
      throw cause
    }
  }

  /** What it has given back; null if it is whole. */
  async hollow(id: LayerId): Promise<Hollow | null> {
    try {
      return readHollow(await readFile(this.#marker(id)))
    } catch (cause) {
      if (errorCode(cause) === "ENOENT") return null
      throw cause
    }
  }

  /** Durable when it resolves. A disk that is full takes at least the bare marker. */
  async markHollow(id: LayerId, hollow: Hollow): Promise<void> {
    const name = id + markerSuffix
    try {
      await this.directory.create(name, this.#rights, async (file) => {
        await file.writeFile(writeHollow(hollow))
      })
    } catch (cause) {
      if (!isOutOfSpace(cause)) throw cause
      if (await this.isHollow(id)) return
      await (await openNew(this.#marker(id), this.#rights)).close()
      await this.directory.sync()
    }
  }

  async header(id: LayerId): Promise<Header> {
    return (await this.#head(id)).header
  }

  /**
   * Nothing was ever written into it: a cluster can only be reached through the L1 table, and
   * QEMU writes an entry of that table through to the disk before it uses it.
   */
  async isEmpty(id: LayerId): Promise<boolean> {
    return (await this.#head(id)).empty
  }

  async #head(id: LayerId): Promise<{ header: Header; empty: boolean }> {
    const file = await open(this.path(id), "r")
    try {
      const start = Buffer.alloc(clusterBytes)
      const { bytesRead } = await file.read(start, 0, start.length, 0)
      const header = parseHeader(start.subarray(0, bytesRead))
      const table = Buffer.alloc(header.l1Entries * 8)
      await file.read(table, 0, table.length, header.l1Offset)
      return { header, empty: table.every((byte) => byte === 0) }
    } finally {
      await file.close()
    }
  }

  /** Bytes that it takes on disk (stat(2) counts blocks of 512). */
  async bytes(id: LayerId): Promise<number> {
    const { blocks } = await stat(this.path(id))
    return blocks * 512
  }

  #marker(id: LayerId): string {
    return this.directory.file(id + markerSuffix)
  }

  path(id: LayerId): string {
    return this.directory.file(layerFile(id))
  }

  async noSpace(neededBytes: number): Promise<Refusal> {
    const freeBytes = await this.directory.freeBytes()
    return new Refusal({ kind: "no-space", neededBytes, freeBytes })
  }
}
