/**
 * Durable file work. A file is durable when its bytes and its name are: fsync of the file, then
 * fsync of the directory that names it. The directory is kept open, so that the second costs one
 * system call and nothing else.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fsync,
  ftruncateSync,
  openSync,
  renameSync,
  writeSync,
} from "node:fs"
import {
  chmod,
  chown,
  type FileHandle,
  mkdir,
  open,
  readdir,
  rename,
  stat,
  statfs,
  unlink,
} from "node:fs/promises"
import { dirname, join, resolve } from "node:path"
import { promisify } from "node:util"

/** Who may use a file or directory: its mode, and its group unless that stays as it comes. */
export type Rights = { mode: number; gid: number | null }

export const partialSuffix = ".part"

export class Directory {
  readonly path: string
  readonly #handle: FileHandle

  private constructor(path: string, handle: FileHandle) {
    this.path = path
    this.#handle = handle
  }

  /** Opens a directory, making it first where it is missing; sets its rights in any case. */
  static async open(path: string, rights: Rights): Promise<Directory> {
    await makeDirectory(path)
    if (rights.gid !== null) await chown(path, -1, rights.gid)
    await chmod(path, rights.mode)
    return new Directory(path, await open(path, "r"))
  }

  file(name: string): string {
    return join(this.path, name)
  }

  /** The same file by a path that is always short enough for a socket's (108 bytes, unix(7)). */
  shortPath(name: string): string {
    return `/proc/self/fd/${this.#handle.fd}/${name}`
  }

  /**
   * Makes a whole file under its name, durably, or nothing at all: what a power cut leaves half
   * made has a name of its own, ending in `.part`.
   */
  async create(name: string, rights: Rights, fill: (file: FileHandle) => Promise<void>) {
    const partial = this.file(name + partialSuffix)
    try {
      const file = await openNew(partial, rights)
      try {
        await fill(file)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(partial, this.file(name))
    } catch (cause) {
      await removeFile(partial)
      throw cause
    }
    await this.sync()
  }

  /**
   * The same for a few small pieces in a file of this length. Calls that only reach the page cache
   * are over before a thread for them would have begun; what waits for the disk is for threads.
   */
  async createSmall(name: string, rights: Rights, { pieces, fileBytes }: SmallFile): Promise<void> {
    const partial = this.file(name + partialSuffix)
    try {
      const file = openSync(partial, "wx+", rights.mode)
      try {
        fchmodSync(file, rights.mode)
        if (rights.gid !== null) fchownSync(file, -1, rights.gid)
        for (const { at, bytes } of pieces) writeWhole(file, bytes, at)
        ftruncateSync(file, fileBytes)
        await synced(file)
      } finally {
        closeSync(file)
      }
      renameSync(partial, this.file(name))
    } catch (cause) {
      await removeFile(partial)
      throw cause
    }
    await this.sync()
  }

  /** What was renamed, made or removed here before this call survives a power cut after it. */
  async sync(): Promise<void> {
    await this.#handle.sync()
  }

  names(): Promise<string[]> {
    return readdir(this.path)
  }

  async freeBytes(): Promise<number> {
    const { bavail, bsize } = await statfs(this.path)
    return bavail * bsize
  }

  /** Whether files here can be opened past the page cache (O_DIRECT, open(2)). */
  async takesDirectIo(): Promise<boolean> {
    const probe = this.file(`direct-io-probe-${process.pid}${partialSuffix}`)
    try {
      const flags = constants.O_RDWR | constants.O_CREAT | constants.O_DIRECT
      const file = await open(probe, flags, 0o600)
      await file.close()
      return true
    } catch (cause) {
      if (errorCode(cause) === "EINVAL") return false
      throw cause
    } finally {
      await removeFile(probe)
    }
  }

  async close(): Promise<void> {
    await this.#handle.close()
  }
}

/**
 * Durable, with all above it that were missing too. Step by step: Node's own recursive way never
 * comes back where nothing can be made, as below /proc (seen with Node 24).
 */
async function makeDirectory(path: string): Promise<void> {
  const above = dirname(resolve(path))
  try {
    // What is there may be in a place that one may pass through and not read.
    if (!(await isMade(path))) return
  } catch (cause) {
    if (errorCode(cause) !== "ENOENT") throw cause
    await makeDirectory(above)
    await isMade(path)
  }
  const parent = await open(above, "r")
  try {
    await parent.sync()
  } finally {
    await parent.close()
  }
}

/** False where it was there before. */
async function isMade(path: string): Promise<boolean> {
  try {
    await mkdir(path)
    return true
  } catch (cause) {
    if (errorCode(cause) !== "EEXIST" || !(await stat(path)).isDirectory()) throw cause
    return false
  }
}

export type SmallFile = { pieces: readonly { at: number; bytes: Uint8Array }[]; fileBytes: number }

const synced = promisify(fsync)

function writeWhole(file: number, bytes: Uint8Array, at: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(file, bytes, done, bytes.length - done, at + done)
  }
}

/** A new file open for reading and writing. Its mode is set apart: the umask may not narrow it. */
export async function openNew(path: string, rights: Rights): Promise<FileHandle> {
  const file = await open(path, "wx+", rights.mode)
  const gid = rights.gid
  await Promise.all([file.chmod(rights.mode), gid === null ? undefined : file.chown(-1, gid)])
  return file
}

/** Removing what is not there is success. */
export async function removeFile(path: string): Promise<void> {
  try {
    await unlink(path)
  } catch (cause) {
    if (errorCode(cause) !== "ENOENT") throw cause
  }
}

/** The system's name for what went wrong (errno(3)), where the error has one. */
export function errorCode(cause: unknown): string | undefined {
  if (!(cause instanceof Error) || !("code" in cause)) return undefined
  return typeof cause.code === "string" ? cause.code : undefined
}

export const isOutOfSpace = (cause: unknown): boolean =>
  ["ENOSPC", "EDQUOT"].includes(errorCode(cause) ?? "")
