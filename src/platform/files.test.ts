import { chmod, chown, mkdir, mkdtemp, rm, stat, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { Directory } from "./files.ts"

let place = ""
beforeEach(async () => {
  place = await mkdtemp(join(tmpdir(), "tintype-files-"))
})
afterEach(() => rm(place, { recursive: true }))

const rights = { mode: 0o711, gid: null }
const opened = async (path: string) => (await Directory.open(path, rights)).close()

test("a directory is made with all above it, and may be there already", async () => {
  const path = join(place, "a", "b", "c")
  await opened(path)
  await opened(path)
  expect((await stat(path)).mode & 0o777).toBe(rights.mode)
  await writeFile(join(place, "file"), "")
  await expect(opened(join(place, "file"))).rejects.toMatchObject({ code: "EEXIST" })
  await expect(opened(join(place, "file", "a"))).rejects.toMatchObject({ code: "ENOTDIR" })
})

test("one that is there may be in a place that its owner cannot read", async () => {
  const path = join(place, "state")
  await mkdir(path)
  const isRoot = process.getuid?.() === 0
  if (isRoot) await chown(path, 65_534, -1)
  await chmod(place, isRoot ? 0o711 : 0o311)
  try {
    if (isRoot) process.seteuid?.(65_534)
    await opened(path)
  } finally {
    if (isRoot) process.seteuid?.(0)
    await chmod(place, 0o700)
  }
})
