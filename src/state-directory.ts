/**
 * The state directory: what is where in it, and who may look. QEMU runs as an unprivileged user
 * in this directory; it may pass through it, and sees only what is made for it.
 */
import { chmod, mkdir, open, readFile, rename } from "node:fs/promises"
import { join } from "node:path"
import type { ServiceUser } from "./platform/process.ts"

export async function openStateDirectory(dataDir: string): Promise<void> {
  await mkdir(dataDir, { recursive: true, mode: 0o711 })
  // One made by hand or by mktemp may be closed to the user that QEMU runs as.
  await chmod(dataDir, 0o711)
}

/** The administrator's token: made on a fresh start, found on every other. */
export async function adminToken(dataDir: string, newToken: () => string): Promise<string> {
  const file = join(dataDir, "admin-token")
  const there = await readFile(file, "utf8").catch((cause: NodeJS.ErrnoException) => {
    if (cause.code === "ENOENT") return ""
    throw cause
  })
  if (there.trim() !== "") return there.trim()
  const token = newToken()
  // In place at once or not at all: half a token would lock the administrator out for good.
  const draft = await open(`${file}.new`, "w", 0o600)
  await draft.writeFile(`${token}\n`)
  await draft.sync()
  await draft.close()
  await rename(`${file}.new`, file)
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
