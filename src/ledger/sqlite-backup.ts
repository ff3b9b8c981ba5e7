/**
 * A backup made while work goes on: SQLite copies a few pages at a time into a file under another
 * name, which gets its own name only when all of it is on disk. Nothing is ever overwritten.
 */
import { link, open, unlink } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import type { Database } from "better-sqlite3"
import { Refusal } from "../domain/fault.ts"
import { newId } from "../domain/ids.ts"

/** Between two steps other work has its turn; one step of so many takes about a millisecond. */
const pagesAtOnce = 400

export async function backupSqlite(database: Database, wanted: string): Promise<void> {
  const file = resolve(wanted)
  const partial = `${file}.${newId()}.partial`
  try {
    await refuseExisting(file)
    // A hash of a secret is nobody else's business, in the copy neither.
    await (await open(partial, "wx", 0o600)).close()
    await database.backup(partial, { progress: () => pagesAtOnce })
    await flush(partial)
    // Unlike a rename, a link never takes another file's place.
    await link(partial, file)
  } catch (cause) {
    throw readable(cause, file)
  } finally {
    await unlink(partial).catch(() => {})
  }
  await flush(dirname(file))
}

async function refuseExisting(file: string): Promise<void> {
  const found = await open(file, "r").catch(() => undefined)
  if (found === undefined) return
  await found.close()
  throw invalid(`${file} exists already; choose another name`)
}

async function flush(path: string): Promise<void> {
  const handle = await open(path, "r")
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}

const invalid = (why: string) => new Refusal({ kind: "invalid", field: "file", why })

const sayings: Record<string, string> = {
  EEXIST: "exists already; choose another name",
  ENOENT: "is in a directory that does not exist",
  ENOTDIR: "is not in a directory",
  EACCES: "is in a directory that we may not write to",
  EPERM: "is on a file system that cannot take it (no hard links)",
  EROFS: "is on a read-only file system",
}

function readable(cause: unknown, file: string): unknown {
  if (!(cause instanceof Error) || !("code" in cause)) return cause
  const saying = sayings[String(cause.code)]
  if (saying !== undefined) return invalid(`${file} ${saying}`)
  if (cause.code === "SQLITE_FULL" || cause.code === "ENOSPC") {
    return invalid(`${file}: no space is left on that file system`)
  }
  return cause
}
