/**
 * What a point keeps is on disk when it is there, whoever wrote it and whether they flushed it. Takes
 * root, to mount a disk whose power fails.
 */
import { readdir } from "node:fs/promises"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { newId, type PointId } from "../../src/domain/ids.ts"
import { bytesOf, mebi, put } from "../../src/engines/content.suite.ts"
import { run } from "../../src/platform/command.ts"
import { powerlessRig, type Qcow2Rig } from "../fixtures/engine-rigs.ts"

export function powerStories(): void {
  describe("on a disk whose power fails", stories)
}

function stories(): void {
  const timeoutMs = 60_000
  const volume = newId<"volume">()
  let rig: Qcow2Rig

  beforeEach(async () => {
    rig = await powerlessRig()
    await rig.engine.createHead(volume, { sizeBytes: 4 * mebi })
  })
  afterEach(() => rig.end())

  /** A process has the head open, writes into it, and dies before anybody asked it to flush. */
  async function writeAndDie(): Promise<void> {
    const graph = await rig.engine.open(volume)
    graph[Symbol.dispose]()
    const [head = ""] = (await readdir(join(rig.dataDir, "layers"))).sort().slice(-1)
    const path = join(rig.dataDir, "layers", head)
    await run(["qemu-io", "-f", "qcow2", "-t", "unsafe", "-c", "write -P 7 0 1M", path], {
      timeoutMs,
    })
  }

  const written = Buffer.concat([Buffer.alloc(mebi, 7), Buffer.alloc(3 * mebi)])

  async function expectKept(point: PointId): Promise<void> {
    await rig.restart()
    expect((await bytesOf(rig.engine, { point })).equals(written)).toBe(true)
  }

  test("a point of a head that somebody died with survives a power cut as it was", async () => {
    await writeAndDie()
    const point = newId<"point">()
    await rig.engine.createPoint(volume, point)
    await expectKept(point)
  })

  test("so does what a revert keeps", async () => {
    const [first, keep] = [newId<"point">(), newId<"point">()]
    await rig.engine.createPoint(volume, first)
    await rig.engine.dropHead(volume)
    await rig.engine.createHead(volume, { sizeBytes: 4 * mebi, point: first })
    await writeAndDie()
    await rig.engine.revertHead(volume, first, keep)
    await expectKept(keep)
  })

  test("and what was there before a volume grew", async () => {
    await writeAndDie()
    await rig.engine.growHead(volume, 5 * mebi)
    await rig.restart()
    const now = await bytesOf(rig.engine, { volume })
    expect(now.equals(Buffer.concat([written, Buffer.alloc(mebi)]))).toBe(true)
  })

  test("what a layer gives back was covered on disk before, not only in memory", async () => {
    const point = newId<"point">()
    await put(rig.engine, volume, Buffer.alloc(4 * mebi, 5))
    await rig.engine.createPoint(volume, point)
    await writeAndDie()
    const before = await rig.bytesOnDisk()
    await rig.engine.dropPoint(point)
    expect(before - (await rig.bytesOnDisk())).toBeGreaterThan(mebi / 2)
    await rig.restart()
    const now = await bytesOf(rig.engine, { volume })
    expect(now.equals(Buffer.concat([Buffer.alloc(mebi, 7), Buffer.alloc(3 * mebi, 5)]))).toBe(true)
  })
}
