import { describe, expect, test } from "vitest"
import { newLayerId } from "./layer-files.ts"
import { Pins } from "./pins.ts"
import { Reclaims } from "./reclaims.ts"

const mebi = 2 ** 20
const minuteMs = 60_000

function bench() {
  const time = { ms: 0 }
  const held = { bytes: 10 * mebi }
  const pins = new Pins()
  const reclaims = new Reclaims({ bytes: async () => held.bytes }, pins, () => time.ms)
  return { time, held, pins, reclaims, layer: newLayerId(), head: newLayerId() }
}

describe("a layer to be looked at again", () => {
  test("under a head that grows, when that has grown by much, and not every moment", async () => {
    const { time, held, reclaims, layer, head } = bench()
    await reclaims.done(layer, [head])
    held.bytes += 64 * mebi
    expect(await reclaims.ripe()).toEqual([])
    time.ms += minuteMs
    expect(await reclaims.ripe()).toEqual([layer])
    await reclaims.done(layer, [head])
    time.ms += minuteMs
    held.bytes += 63 * mebi
    expect(await reclaims.ripe()).toEqual([])
    held.bytes += mebi
    expect(await reclaims.ripe()).toEqual([layer])
  })

  test("that gave back all it ever will, never", async () => {
    const { time, held, reclaims, layer, head } = bench()
    await reclaims.done(layer, [head])
    await reclaims.done(layer, [])
    time.ms += minuteMs
    held.bytes += 100 * mebi
    expect(await reclaims.ripe()).toEqual([])
  })

  test("that was open, as soon as nobody has it open", async () => {
    const { pins, reclaims, layer } = bench()
    const open = pins.hold([layer])
    reclaims.again(layer, null, [layer])
    expect(await reclaims.ripe()).toEqual([])
    open[Symbol.dispose]()
    expect(await reclaims.ripe()).toEqual([layer])
    expect(reclaims.troubles()).toEqual([])
  })

  test("that met trouble, after a while; until then it is told", async () => {
    const { time, reclaims, layer } = bench()
    reclaims.again(layer, "the disk is on fire", [])
    expect(await reclaims.ripe()).toEqual([])
    expect(reclaims.troubles().join()).toContain("the disk is on fire")
    time.ms += minuteMs
    expect(await reclaims.ripe()).toEqual([layer])
    await reclaims.done(layer, [])
    expect(reclaims.troubles()).toEqual([])
  })
  test("under one that is open, as soon as nobody has that open", async () => {
    const { pins, reclaims, layer, head } = bench()
    const open = pins.hold([head])
    reclaims.again(layer, null, [head])
    expect(await reclaims.ripe()).toEqual([])
    open[Symbol.dispose]()
    expect(await reclaims.ripe()).toEqual([layer])
  })

  test("in vain again and again, less and less often, but every hour", async () => {
    const { time, reclaims, layer } = bench()
    const waits: number[] = []
    for (let count = 0; count < 9; count++) {
      reclaims.again(layer, null, [])
      // Whoever lets go of something in between asks too.
      reclaims.again(layer, null, [])
      const from = time.ms
      while ((await reclaims.ripe()).length === 0) time.ms += minuteMs
      waits.push((time.ms - from) / minuteMs)
    }
    expect(waits).toEqual([1, 2, 4, 8, 16, 32, 60, 60, 60])
  })
})
