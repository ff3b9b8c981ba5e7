/** Volumes that a process has open: armed, switched while it writes, and what its death leaves. */
import { describe, expect, test } from "vitest"
import type { PointId, VolumeId } from "../domain/ids.ts"
import { bytesOf, content, mebi, pointId, volumeId } from "./content.suite.ts"
import type { Opener, Rig } from "./engine-rig.suite.ts"
import { found, Writers } from "./writers.suite.ts"

const block = 65_536

/** A disk as it should be, beside the one that is. */
class Model {
  readonly bytes = Buffer.alloc(mebi)
  readonly #opener: Opener
  readonly #volume: VolumeId
  constructor(opener: Opener, volume: VolumeId) {
    this.#opener = opener
    this.#volume = volume
  }
  async write(offset: number, word: string, length = block): Promise<void> {
    const bytes = content(word, length)
    await this.#opener.write(this.#volume, offset, bytes)
    this.bytes.set(bytes, offset)
  }
  now(): Buffer {
    return Buffer.from(this.bytes)
  }
}

async function opened(rig: Rig): Promise<{ volume: VolumeId; opener: Opener; disk: Model }> {
  const volume = volumeId()
  await rig.engine.createHead(volume, { sizeBytes: mebi })
  const opener = await rig.opener([await rig.engine.open(volume)])
  const disk = new Model(opener, volume)
  await disk.write(0, "first")
  await disk.write(5 * block + 512, "across", 1024)
  return { volume, opener, disk }
}

export function openDiskStories(rig: () => Rig): void {
  test("what an opener wrote is there when it has closed", async () => {
    const { volume, opener, disk } = await opened(rig())
    await opener.close()
    expect((await bytesOf(rig().engine, { volume })).equals(disk.bytes)).toBe(true)
  })

  test("arming twice is arming once, and an armed disk is not yet another disk", async () => {
    const { engine } = rig()
    const { volume, opener, disk } = await opened(rig())
    const [one, two] = [await engine.arm(volume), await engine.arm(volume)]
    expect([two.from, two.to]).toEqual([one.from, one.to])
    await disk.write(block, "still the head")
    await opener.close()
    expect((await bytesOf(engine, { volume })).equals(disk.bytes)).toBe(true)
    expect(await engine.examine()).toEqual([])
  })

  test("points taken of a disk that is being written keep their instants", async () => {
    const { engine, leftovers } = rig()
    const { volume, opener, disk } = await opened(rig())
    const instants: { point: PointId; bytes: Buffer }[] = []
    for (let turn = 0; turn < 4; turn++) {
      await disk.write(turn * block, `before ${turn}`)
      await opener.switchDisks([await engine.arm(volume)])
      const point = pointId()
      instants.push({ point, bytes: disk.now() })
      await disk.write((turn + 1) * block + 4096, `after ${turn}`, 8192)
      await engine.switched([{ volume, point }])
      await engine.switched([{ volume, point }])
      expect(await engine.hasPoint(point)).toBe(true)
    }
    for (const { point, bytes } of instants) {
      expect((await bytesOf(engine, { point })).equals(bytes)).toBe(true)
    }
    expect((await opener.read(volume, 0, mebi)).equals(disk.bytes)).toBe(true)
    await opener.close()
    expect((await bytesOf(engine, { volume })).equals(disk.bytes)).toBe(true)
    expect(await engine.examine()).toEqual([])
    for (const { point } of instants) await engine.dropPoint(point)
    expect((await bytesOf(engine, { volume })).equals(disk.bytes)).toBe(true)
    await engine.dropHead(volume)
    expect(await leftovers()).toEqual([])
  })

  test("several disks are switched and recorded together, some of them without a name", async () => {
    const { engine, leftovers } = rig()
    const volumes = [volumeId(), volumeId(), volumeId()]
    for (const volume of volumes) await engine.createHead(volume, { sizeBytes: mebi })
    const graphs = await Promise.all(volumes.map((volume) => engine.open(volume)))
    const opener = await rig().opener(graphs)
    for (const volume of volumes) await opener.write(volume, 0, content(volume, block))
    await opener.switchDisks(await Promise.all(volumes.map((volume) => engine.arm(volume))))
    const points = [pointId(), null, pointId()]
    await engine.switched(volumes.map((volume, at) => ({ volume, point: points[at] ?? null })))
    for (const volume of volumes) await opener.write(volume, 0, content("later", block))
    await opener.close()
    for (const [at, volume] of volumes.entries()) {
      const later = await bytesOf(engine, { volume })
      expect(later.subarray(0, block).equals(content("later", block))).toBe(true)
      const point = points[at]
      if (point) {
        const kept = await bytesOf(engine, { point })
        expect(kept.subarray(0, block).equals(content(volume, block))).toBe(true)
      }
    }
    expect(await engine.examine()).toEqual([])
    for (const volume of volumes) await engine.dropHead(volume)
    for (const point of points) if (point) await engine.dropPoint(point)
    expect(await leftovers()).toEqual([])
  })

  test("a switch that was never armed cannot be recorded, and none of its company is", async () => {
    const { engine } = rig()
    const { volume, opener } = await opened(rig())
    const other = volumeId()
    await engine.createHead(other, { sizeBytes: mebi })
    await opener.switchDisks([await engine.arm(volume)])
    const points = [pointId(), pointId()] as const
    const both = [
      { volume, point: points[0] },
      { volume: other, point: points[1] },
    ]
    await expect(engine.switched(both)).rejects.toThrow()
    expect(await engine.hasPoint(points[0])).toBe(false)
    await engine.switched([both[0] ?? { volume, point: null }])
    await opener.close()
    expect(await engine.examine()).toEqual([])
  })

  test("while four writers never stop, each point lies between its switch's start and end", async () => {
    const { engine } = rig()
    const volume = volumeId()
    await engine.createHead(volume, { sizeBytes: mebi })
    const opener = await rig().opener([await engine.open(volume)])
    const writers = new Writers(opener, volume)
    const running = [0, 1, 2, 3].map((lane) => writers.run(lane))
    const instants: { point: PointId; least: number[]; most: number[] }[] = []
    for (let turn = 0; turn < 8; turn++) {
      const order = await engine.arm(volume)
      const least = [...writers.acknowledged]
      await opener.switchDisks([order])
      const most = [...writers.issued]
      const point = pointId()
      await engine.switched([{ volume, point }])
      instants.push({ point, least, most })
      await writers.progress(50)
    }
    writers.stop()
    await Promise.all(running)
    await opener.close()
    expect(found(await bytesOf(engine, { volume }))).toEqual(writers.acknowledged)
    for (const { point, least, most } of instants) {
      const seen = found(await bytesOf(engine, { point }))
      for (const [at, number] of seen.entries()) {
        expect(number).toBeGreaterThanOrEqual(least[at] ?? 0)
        expect(number).toBeLessThanOrEqual(most[at] ?? 0)
      }
    }
    expect(await engine.examine()).toEqual([])
  })

  recoveryStories(rig)
}

function recoveryStories(rig: () => Rig): void {
  const ends = ["close", "kill"] as const
  describe.each(ends)("an opener that ends by %s", (end) => {
    test("armed but not switched: nothing is lost, nothing is left", async () => {
      const { engine, leftovers } = rig()
      const { volume, opener, disk } = await opened(rig())
      await engine.arm(volume)
      await disk.write(3 * block, "after arming")
      await opener[end]()
      await rig().restart()
      const next = rig().engine
      const point = pointId()
      await next.createPoint(volume, point)
      expect((await bytesOf(next, { point })).equals(disk.bytes)).toBe(true)
      const reopened = await rig().opener([await next.open(volume)])
      await reopened.write(volume, 0, content("on", block))
      await reopened.close()
      expect((await bytesOf(next, { point })).equals(disk.bytes)).toBe(true)
      expect(await next.examine()).toEqual([])
      await next.dropHead(volume)
      await next.dropPoint(point)
      expect(await leftovers()).toEqual([])
    })

    test("switched but not recorded: what was written after the switch is kept", async () => {
      const { engine, leftovers } = rig()
      const { volume, opener, disk } = await opened(rig())
      await opener.switchDisks([await engine.arm(volume)])
      await disk.write(3 * block, "after the switch")
      await opener[end]()
      await rig().restart()
      const next = rig().engine
      expect((await bytesOf(next, { volume })).equals(disk.bytes)).toBe(true)
      const reopened = await rig().opener([await next.open(volume)])
      expect((await reopened.read(volume, 0, mebi)).equals(disk.bytes)).toBe(true)
      await reopened.close()
      expect(await next.examine()).toEqual([])
      await next.dropHead(volume)
      expect(await leftovers()).toEqual([])
    })

    test("switched, and recorded only after its end: the point is the switch's instant", async () => {
      const { engine } = rig()
      const { volume, opener, disk } = await opened(rig())
      await opener.switchDisks([await engine.arm(volume)])
      const atSwitch = disk.now()
      await disk.write(block, "after the switch")
      await opener[end]()
      await rig().restart()
      const next = rig().engine
      const point = pointId()
      await next.switched([{ volume, point }])
      expect((await bytesOf(next, { point })).equals(atSwitch)).toBe(true)
      expect((await bytesOf(next, { volume })).equals(disk.bytes)).toBe(true)
      expect(await next.examine()).toEqual([])
    })

    test("dropped while armed, in either state, it leaves nothing", async () => {
      const { engine, leftovers } = rig()
      for (const switching of [false, true]) {
        const { volume, opener, disk } = await opened(rig())
        const order = await engine.arm(volume)
        if (switching) await opener.switchDisks([order])
        await disk.write(block, "more")
        await opener[end]()
        await engine.dropHead(volume)
      }
      expect(await leftovers()).toEqual([])
    })
  })

  test("the server's death does not disturb the opener, and what it armed is not forgotten", async () => {
    const { volume, opener, disk } = await opened(rig())
    const before = await rig().engine.arm(volume)
    await rig().restart()
    const after = await rig().engine.arm(volume)
    expect([after.from, after.to]).toEqual([before.from, before.to])
    await opener.switchDisks([after])
    const atSwitch = disk.now()
    await disk.write(0, "later")
    await rig().restart()
    const point = pointId()
    await rig().engine.switched([{ volume, point }])
    await opener.close()
    expect((await bytesOf(rig().engine, { point })).equals(atSwitch)).toBe(true)
    expect((await bytesOf(rig().engine, { volume })).equals(disk.bytes)).toBe(true)
    expect(await rig().engine.examine()).toEqual([])
  })
}
