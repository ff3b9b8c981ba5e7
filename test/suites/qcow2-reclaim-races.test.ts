/** Layers that are just giving space back, and what else goes on, or goes wrong, meanwhile. */
import { watch } from "node:fs"
import { chmod, mkdtemp, readdir, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { newId } from "../../src/domain/ids.ts"
import { bytesOf, watch as watching } from "../../src/engines/content.suite.ts"
import { type Qcow2Rig, qcow2Rig } from "../fixtures/engine-rigs.ts"
import { cluster, WrittenTree } from "../fixtures/written-tree.ts"

let rig: Qcow2Rig
beforeEach(async () => {
  rig = await qcow2Rig()
  await rig.engine.recover()
})
afterEach(() => rig.end())

const layersDir = () => join(rig.dataDir, "layers")

/** Two points of a volume, each overwritten later. */
async function overwritten() {
  const tree = new WrittenTree(rig, 1)
  const volume = await tree.volume(2 ** 20)
  const points = []
  for (const fill of [1, 2, 3]) {
    await tree.io(volume, [`write -P ${fill} 0 1M`])
    if (fill < 3) points.push(await tree.point(volume))
  }
  const [first, second] = points
  if (first === undefined || second === undefined) throw new Error("no points")
  return { tree, volume, first, second }
}

/** Resolves when the first hole is about to be made. */
async function marked(): Promise<void> {
  for (const end = watch(layersDir()); ; ) {
    const names = await readdir(layersDir())
    if (names.some((name) => name.endsWith(".hollow"))) return end.close()
    await new Promise((resolve) => end.once("change", resolve))
  }
}

test("a layer that goes meanwhile leaves no marker", async () => {
  const { tree, volume, first, second } = await overwritten()
  const [begun, dropping] = [marked(), tree.drop(first)]
  await begun
  await tree.dropHead(volume)
  await tree.drop(second)
  await dropping
  expect(await readdir(layersDir())).toEqual([])
})

/** The storage daemon as this script starts it, instead of as it is. */
async function daemon(script: (directory: string) => string) {
  const directory = await mkdtemp(join(tmpdir(), "tintype-daemon-"))
  await chmod(directory, 0o755)
  const path = join(directory, "qemu-storage-daemon")
  await writeFile(path, `#!/bin/sh\n${script(directory)}\n`, { mode: 0o755 })
  const real = process.env["PATH"] ?? ""
  vi.stubEnv("PATH", `${directory}:${real}`)
  return {
    file: (name: string) => join(directory, name),
    async [Symbol.asyncDispose]() {
      vi.unstubAllEnvs()
      await rm(directory, { recursive: true })
    },
  }
}

const real = "exec /usr/bin/qemu-storage-daemon"
const withoutHoles = () => `for arg; do
  shift
  set -- "$@" "$(printf %s "$arg" | sed 's/"discard":"unmap"/"discard":"ignore"/g')"
done
${real} "$@"`

test("where no holes are made, nothing is said to be free, and it is tried again", async () => {
  await using _ = await daemon(withoutHoles)
  const { tree, volume, first, second } = await overwritten()
  const right = await bytesOf(rig.engine, { volume })
  expect(await rig.engine.freed([first])).toBeGreaterThan(0)
  const before = await tree.heldBytes()
  await tree.drop(second)
  expect(await tree.heldBytes()).toBe(before)
  const told = (await rig.engine.examine()).map(({ what }) => what)
  expect(told).toEqual([expect.stringContaining("makes no holes")])
  expect(await rig.engine.freed([first])).toBe(0)
  vi.unstubAllEnvs()
  await rig.restart()
  expect(await tree.heldBytes()).toBeLessThan(before)
  expect((await bytesOf(rig.engine, { volume })).equals(right)).toBe(true)
  expect(await rig.engine.examine()).toEqual([])
})

test("what is just being written down of a layer is no stranger; of no layer, it is", async () => {
  const { tree } = await overwritten()
  const directory = layersDir()
  const [layer = ""] = (await readdir(directory)).filter((name) => !name.includes(".hollow"))
  const part = (id: string) => join(directory, `${id}.hollow.part`)
  await writeFile(part(layer.replace(/\.[^.]*$/, "")), "")
  expect(await rig.engine.examine()).toEqual([])
  await writeFile(part(newId()), "")
  const told = (await rig.engine.examine()).map(({ what }) => what)
  expect(told).toEqual([expect.stringContaining("no record knows")])
  await rig.restart()
  expect(await rig.engine.examine()).toEqual([])
  expect(await tree.heldBytes()).toBeGreaterThan(0)
})

test("a revert taken back holds nobody up while it gives space back", async () => {
  const tree = new WrittenTree(rig, 1)
  const waits = (directory: string) =>
    `while [ -e ${directory}/gate ]; do sleep 0.02; done\n${real} "$@"`
  await using slow = await daemon(waits)
  const volume = await tree.volume(2 ** 20)
  await tree.io(volume, [`write -P 1 0 ${4 * cluster}`])
  const origin = await tree.point(volume)
  await tree.io(volume, [`write -P 2 0 ${2 * cluster}`])
  const keep = await tree.revert(volume, origin)
  await tree.drop(origin)
  const other = await tree.volume(2 ** 20)
  const [, middle] = [await tree.point(other), await tree.point(other), await tree.point(other)]
  if (middle !== undefined) await tree.drop(middle)
  const [work] = await rig.engine.upkeep()
  await rig.engine.prepare(work?.id ?? "", watching())
  await writeFile(slow.file("gate"), "")
  const [begun, takenBack] = [marked(), rig.engine.unrevertHead(volume, keep)]
  await begun
  expect(await rig.engine.commit(work?.id ?? "")).not.toBe(null)
  await rm(slow.file("gate"))
  await takenBack
  await rig.engine.finish(work?.id ?? "")
})
