/**
 * The state directory: what is where in it, and who may look. QEMU runs as an unprivileged user
 * in this directory; it may pass through it, and sees only what is made for it.
 */
import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { Directory, partialSuffix, removeFile } from "./platform/files.ts"
import type { ServiceUser } from "./platform/process.ts"

/** Others may pass through it, and see no names. */
const passage = { mode: 0o711, gid: null }

export async function openStateDirectory(dataDir: string): Promise<void> {
  // One made by hand or by mktemp may be closed to the user that QEMU runs as.
  await (await Directory.open(dataDir, passage)).close()
}

/** The administrator's token: made on a fresh start, found on every other. */
export async function adminToken(dataDir: string, newToken: () => string): Promise<string> {
  const name = "admin-token"
  const there = await readFile(join(dataDir, name), "utf8").catch(
    (cause: NodeJS.ErrnoException) => {
      if (cause.code === "ENOENT") return ""
      throw cause
    },
  )
  if (there.trim() !== "") return there.trim()
  const token = newToken()
  // In place at once or not at all: half a token would lock the administrator out for good.
  const directory = await Directory.open(dataDir, passage)
  try {
    // A start that was killed right here may have left its draft.
    await removeFile(directory.file(name + partialSuffix))
    await directory.create(name, { mode: 0o600, gid: null }, (draft) =>
      draft.writeFile(`${token}\n`),
    )
  } finally {
    await directory.close()
  }
  return token
}

/** The user that QEMU's processes run as; null where we are nobody's root, or there is none. */
export async function serviceUser(name: string | null): Promise<ServiceUser | null> {
  if (name === null || process.getuid?.() !== 0) return null
  const passwd = await readFile("/etc/passwd", "utf8")
  const line = passwd.split("\n").find((each) => each.startsWith(`${name}:`))
  if (line === undefined) return nobody
  const [, , uid, gid] = line.split(":")
  return { uid: Number(uid), gid: Number(gid) }
}

/** Without a user of its own, QEMU still does not run as root. */
const nobody: ServiceUser = { uid: 65_534, gid: 65_534 }
