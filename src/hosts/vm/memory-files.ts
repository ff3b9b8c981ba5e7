/**
 * The kept memories on disk: `memory/<snapshot>.mem` is whole, `.mem.part` is being written or was
 * given up. QEMU needs no right to any of them: it is handed open descriptors.
 *
 * A guest whose memory stream cannot be written hangs for good, so a file that is to take one gets
 * all its blocks beforehand. They lie beyond its end: its size is always what was written.
 */
import { type FileHandle, open, readdir, rename, stat, statfs } from "node:fs/promises"
import { join } from "node:path"
import { Refusal } from "../../domain/fault.ts"
import { parseId, type SnapshotId } from "../../domain/ids.ts"
import { CommandFailed, run } from "../../platform/command.ts"
import { Directory, errorCode, openNew, partialSuffix, removeFile } from "../../platform/files.ts"
import { memoryRoom } from "./layout.ts"

const reserveWithinMs = 60_000
const suffix = ".mem"
const wholePlace = (memory: SnapshotId) => `${memoryRoom}/${memory}${suffix}`
/** Relative to the data directory. */
export const partPlace = (memory: SnapshotId) => wholePlace(memory) + partialSuffix

export class MemoryFiles {
  readonly dataDir: string

  constructor(dataDir: string) {
    this.dataDir = dataDir
  }

  /**
   * Makes the file that takes a stream of at most `bytes`. False: this file system cannot set
   * space aside, though it has enough now. Throws `no-space`, and then nothing is left.
   */
  async reserve(memory: SnapshotId, bytes: number): Promise<boolean> {
    const path = this.#part(memory)
    await removeFile(path)
    await (await openNew(path, { mode: 0o600, gid: null })).close()
    try {
      const reserved = await allocate(path, bytes)
      if (!reserved && (await this.#freeBytes()) < bytes) throw await this.#noSpace(bytes)
      return reserved
    } catch (cause) {
      // Until it is gone, what it got of the space counts as used.
      await removeFile(path)
      const full = cause instanceof CommandFailed && /no space|quota/i.test(cause.stderr)
      throw full ? await this.#noSpace(bytes) : cause
    }
  }

  /** Whether QEMU began to write this memory: its mark stands first in every stream. */
  /** An unfinished one, whether anything was written into it or not. */
  async isThere(memory: SnapshotId): Promise<boolean> {
    const file = await openIfThere(this.#part(memory), "r")
    await file?.close()
    return file !== undefined
  }

  async isBegun(memory: SnapshotId): Promise<boolean> {
    const file = await openIfThere(this.#part(memory), "r")
    if (file === undefined) return false
    try {
      const { buffer } = await file.read({ buffer: Buffer.alloc(4), position: 0 })
      return buffer.toString("latin1") === "QEVM"
    } finally {
      await file.close()
    }
  }

  /** What the stream left is a whole memory from now on, durably. */
  async seal(memory: SnapshotId): Promise<void> {
    const file = await open(this.#part(memory), "r+")
    try {
      // Cutting a file to the size it has gives back the blocks beyond its end.
      await file.truncate((await file.stat()).size)
      await file.sync()
    } finally {
      await file.close()
    }
    await this.#durably(() => rename(this.#part(memory), this.#whole(memory)))
  }

  /** To load it from; undefined where it is not kept whole. */
  open(memory: SnapshotId): Promise<FileHandle | undefined> {
    return openIfThere(this.#whole(memory), "r")
  }

  /** Bytes on disk; null where it is not kept whole. */
  async bytesOf(memory: SnapshotId): Promise<number | null> {
    try {
      return (await stat(this.#whole(memory))).blocks * 512
    } catch (cause) {
      if (errorCode(cause) === "ENOENT") return null
      throw cause
    }
  }

  async all(): Promise<Map<SnapshotId, number>> {
    const kept = new Map<SnapshotId, number>()
    for (const name of await readdir(join(this.dataDir, memoryRoom))) {
      if (!name.endsWith(suffix)) continue
      const memory = parseId<"snapshot">(name.slice(0, -suffix.length))
      const bytes = memory === undefined ? null : await this.bytesOf(memory)
      if (memory !== undefined && bytes !== null) kept.set(memory, bytes)
    }
    return kept
  }

  /** Whoever still has it open keeps its space until they close it. */
  async remove(memory: SnapshotId): Promise<void> {
    await this.#durably(async () => {
      await removeFile(this.#part(memory))
      await removeFile(this.#whole(memory))
    })
  }

  #part(memory: SnapshotId): string {
    return join(this.dataDir, partPlace(memory))
  }

  #whole(memory: SnapshotId): string {
    return join(this.dataDir, wholePlace(memory))
  }

  async #durably(change: () => Promise<void>): Promise<void> {
    const room = await Directory.open(join(this.dataDir, memoryRoom), { mode: 0o700, gid: null })
    try {
      await change()
      await room.sync()
    } finally {
      await room.close()
    }
  }

  async #freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(join(this.dataDir, memoryRoom))
    return bavail * bsize
  }

  async #noSpace(neededBytes: number): Promise<Refusal> {
    return new Refusal({ kind: "no-space", neededBytes, freeBytes: await this.#freeBytes() })
  }
}

async function allocate(path: string, bytes: number): Promise<boolean> {
  try {
    await run(["fallocate", "--keep-size", "--length", String(bytes), path], {
      timeoutMs: reserveWithinMs,
    })
    return true
  } catch (cause) {
    if (cause instanceof CommandFailed && /not supported/i.test(cause.stderr)) return false
    throw cause
  }
}

async function openIfThere(path: string, flags: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, flags)
  } catch (cause) {
    if (errorCode(cause) === "ENOENT") return undefined
    throw cause
  }
}
