/** A disk that fills up, really: a small file system of its own, which takes root to mount. */
import { closeSync, openSync, writeSync } from "node:fs"
import { chmod, mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { newId } from "../../src/domain/ids.ts"
import { bytesOf, content, fails, mebi, put, watch } from "../../src/engines/content.suite.ts"
import { run } from "../../src/platform/command.ts"
import { errorCode } from "../../src/platform/files.ts"
import { type Qcow2Rig, qcow2RigIn } from "../fixtures/engine-rigs.ts"

const timeoutMs = 60_000

export function fullDiskStories(): void {
  describe("on a full disk", stories)
}

function stories(): void {
  let base: string
  let rig: Qcow2Rig
  const volume = newId<"volume">()
  const old = content("what was there", 4 * mebi)

  beforeEach(async () => {
    base = await mkdtemp(join(tmpdir(), "tintype-full-"))
    await chmod(base, 0o711)
    const [image, mount] = [join(base, "disk.img"), join(base, "disk")]
    await mkdir(mount)
    await run(["truncate", "-s", "96M", image], { timeoutMs })
    await run(["mke2fs", "-q", "-F", "-t", "ext4", "-m", "0", image], { timeoutMs })
    await run(["mount", "-o", "loop", image, mount], { timeoutMs })
    const dataDir = join(mount, "data")
    await mkdir(dataDir)
    await chmod(dataDir, 0o711)
    rig = await qcow2RigIn(dataDir, { uid: 65534, gid: 65534 })
    await rig.engine.createHead(volume, { sizeBytes: 256 * mebi })
    await put(rig.engine, volume, old)
  })

  afterEach(async () => {
    await rig.end()
    await run(["umount", join(base, "disk")], { timeoutMs })
    await rm(base, { recursive: true })
  })

  const filler = () => join(rig.dataDir, "filler")
  /** All at once: nothing else happens meanwhile. */
  function fillUp(): void {
    const file = openSync(filler(), "w")
    for (const piece of [mebi, 4096, 512]) {
      try {
        for (;;) writeSync(file, Buffer.alloc(piece, 1))
      } catch (cause) {
        expect(errorCode(cause)).toBe("ENOSPC")
      }
    }
    closeSync(file)
  }

  async function expectAsBefore(): Promise<void> {
    const now = await bytesOf(rig.engine, { volume }, "sparse")
    expect(now.subarray(12, 12 + mebi).equals(old.subarray(0, mebi))).toBe(true)
    expect(await rig.engine.examine()).toEqual([])
  }

  test("content that does not fit is refused, gives its room back, and less of it passes", async () => {
    for (const format of ["raw", "qcow2"] as const) {
      const big = content("too much", 128 * mebi)
      await fails("no-space", put(rig.engine, volume, big, format))
      await expectAsBefore()
    }
    const fits = content("this fits", 32 * mebi)
    await put(rig.engine, volume, fits)
    const now = await bytesOf(rig.engine, { volume })
    expect(now.subarray(0, fits.length).equals(fits)).toBe(true)
    await fails(
      "no-space",
      bytesOf(rig.engine, { volume }, "qcow2").then(async (image) => {
        await put(rig.engine, volume, image, "qcow2")
      }),
    )
    expect((await bytesOf(rig.engine, { volume })).equals(now)).toBe(true)
    await rig.engine.dropHead(volume)
    expect(await rig.leftovers()).toEqual([])
  })

  test("no verb does half of its work, and all go on when there is room again", async () => {
    fillUp()
    const [point, keep, clone] = [newId<"point">(), newId<"point">(), newId<"volume">()]
    await fails("no-space", rig.engine.createPoint(volume, point))
    await fails("no-space", rig.engine.createHead(clone, { sizeBytes: mebi }))
    await fails("no-space", rig.engine.arm(volume))
    await fails("no-space", put(rig.engine, volume, content("new", mebi)))
    await expectAsBefore()
    expect(await rig.engine.hasPoint(point)).toBe(false)
    await rm(filler())
    await rig.engine.createPoint(volume, point)
    fillUp()
    await fails("no-space", rig.engine.revertHead(volume, point, keep))
    await fails("no-space", bytesOf(rig.engine, { point }, "qcow2"))
    await expectAsBefore()
    await rm(filler())
    await rig.engine.revertHead(volume, point, keep)
    await rig.engine.createHead(clone, { sizeBytes: 256 * mebi, point })
    await expectAsBefore()
    await rig.engine.dropHead(volume)
    await rig.engine.dropHead(clone)
    for (const one of [point, keep]) await rig.engine.dropPoint(one)
    expect(await rig.leftovers()).toEqual([])
  })

  test("dropping needs no room, and makes some", async () => {
    const point = newId<"point">()
    await rig.engine.createPoint(volume, point)
    fillUp()
    await rig.engine.dropHead(volume)
    await rig.engine.dropPoint(point)
    expect(await rig.leftovers()).toEqual([])
    await rig.engine.createHead(volume, { sizeBytes: mebi })
    await put(rig.engine, volume, content("new", mebi))
  })

  test("upkeep that does not fit is refused, or gives up, and is done when there is room", async () => {
    const [below, top] = [newId<"point">(), newId<"point">()]
    const opener = async (word: string) => {
      const disk = await rig.opener([await rig.engine.open(volume)])
      for (let at = 0; at < 12; at += 4) {
        await disk.write(volume, (16 + at) * mebi, content(`${word} ${at}`, 4 * mebi))
      }
      await disk.close()
    }
    await opener("below")
    await rig.engine.createPoint(volume, below)
    await opener("top")
    await rig.engine.createPoint(volume, top)
    await rig.engine.dropPoint(below)
    const right = (await bytesOf(rig.engine, { point: top })).subarray(0, 40 * mebi)
    const [work] = await rig.engine.upkeep()
    const id = work?.id ?? ""
    fillUp()
    await fails("no-space", rig.engine.prepare(id, watch()))
    await rig.engine.abandon(id)
    await expectAsBefore()
    await rm(filler())
    // It fits when it begins, and then somebody else takes the room.
    let full = false
    const progress = () => {
      if (!full) fillUp()
      full = true
    }
    await fails("no-space", rig.engine.prepare(id, { ...watch(), progress }))
    await expectAsBefore()
    await rm(filler())
    expect((await rig.engine.upkeep()).map(({ id }) => id)).toEqual([id])
    await rig.engine.prepare(id, watch())
    expect(await rig.engine.commit(id)).not.toBe(null)
    await rig.engine.finish(id)
    const now = (await bytesOf(rig.engine, { point: top })).subarray(0, 40 * mebi)
    expect(now.equals(right)).toBe(true)
    await expectAsBefore()
    await rig.engine.dropHead(volume)
    await rig.engine.dropPoint(top)
    expect(await rig.leftovers()).toEqual([])
  })
}
