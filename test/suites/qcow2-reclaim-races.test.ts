/** Layers that go while they are just giving space back. */
import { watch } from "node:fs"
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { type Qcow2Rig, qcow2Rig } from "../fixtures/engine-rigs.ts"
import { WrittenTree } from "../fixtures/written-tree.ts"

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
