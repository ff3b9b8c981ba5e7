/** The kernel modules a guest needs before it can see its disks and its agent's port. */
import { readdir, readFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { promisify } from "node:util"
import { zstdDecompress } from "node:zlib"

export type KernelModule = { name: string; code: Uint8Array }

const wanted = ["virtio_pci", "virtio_blk", "virtio_console", "virtio-rng"]

/**
 * The wanted modules and all they depend on, each after what it depends on.
 * `unxz` takes the bytes of an .xz file, the form of some distributions, and returns its content.
 */
export async function virtioModules(
  modulesDir: string,
  unxz: (file: string) => Promise<Uint8Array>,
): Promise<KernelModule[]> {
  const files = new Map<string, string>()
  for (const path of await readdir(modulesDir, { recursive: true })) {
    const name = /([^/]+)\.ko(?:\.xz|\.zst)?$/.exec(path)?.[1]
    if (name !== undefined) files.set(sameName(name), join(modulesDir, path))
  }
  const ordered = new Map<string, KernelModule>()
  const add = async (name: string) => {
    const file = files.get(sameName(name))
    // What is no file is built into the kernel.
    if (file === undefined || ordered.has(sameName(name))) return
    const code = await unpacked(file, unxz)
    for (const dependency of dependsOf(code)) await add(dependency)
    ordered.set(sameName(name), { name: `${sameName(name)}.ko`, code })
  }
  for (const name of wanted) await add(name)
  return [...ordered.values()]
}

/** The kernel takes `-` and `_` in a module's name for the same. */
const sameName = (name: string) => basename(name).replaceAll("-", "_")

async function unpacked(file: string, unxz: (file: string) => Promise<Uint8Array>) {
  if (file.endsWith(".xz")) return unxz(file)
  const bytes = await readFile(file)
  return file.endsWith(".zst") ? promisify(zstdDecompress)(bytes) : bytes
}

/** From the section `.modinfo`: NUL-separated `key=value`, `depends` a list with commas. */
function dependsOf(code: Uint8Array): string[] {
  const text = Buffer.from(code.buffer, code.byteOffset, code.byteLength)
  const start = text.indexOf("\0depends=")
  if (start < 0) return []
  const from = start + "\0depends=".length
  return text
    .toString("latin1", from, text.indexOf(0, from))
    .split(",")
    .filter((name) => name !== "")
}
