/** How full a file system is. */
import { statfsSync } from "node:fs"

/** What an unprivileged user may still write, of what there is in all. */
export type FileSystem = { totalBytes: number; freeBytes: number }

const freshMs = 100

/**
 * The file system that holds this path, looked at ten times a second at most: statfs(2) takes
 * some microseconds, but it is asked for by every request that needs space.
 */
export function fileSystemOf(path: string, now = () => performance.now()): () => FileSystem {
  let seen: FileSystem & { at: number } = { totalBytes: 0, freeBytes: 0, at: -freshMs }
  return () => {
    const at = now()
    if (at - seen.at < freshMs) return seen
    const { blocks, bavail, bsize } = statfsSync(path)
    seen = { totalBytes: blocks * bsize, freeBytes: bavail * bsize, at }
    return seen
  }
}
