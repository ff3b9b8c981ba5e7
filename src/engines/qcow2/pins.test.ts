import { expect, test } from "vitest"
import { newLayerId } from "./layer-files.ts"
import { Pins } from "./pins.ts"

test("what is pinned waits, however often it is, and goes along with whoever goes next", () => {
  const pins = new Pins()
  const [one, two, three] = [newLayerId(), newLayerId(), newLayerId()]
  const [first, second] = [pins.hold([one, two]), pins.hold([two])]
  expect(pins.free([one, two, three])).toEqual([three])
  first[Symbol.dispose]()
  first[Symbol.dispose]()
  expect(pins.free([])).toEqual([one])
  expect(pins.has(two)).toBe(true)
  second[Symbol.dispose]()
  expect(pins.free([])).toEqual([two])
  expect(pins.free([])).toEqual([])
})

test("who waits for layers to be opened waits for those who open them, and for nobody else", async () => {
  const pins = new Pins()
  const [one, two] = [newLayerId(), newLayerId()]
  pins.hold([one])
  expect(await pins.opened([one], 60_000)).toBe(true)
  const opening = pins.hold([one], { opening: true })
  pins.hold([two], { opening: true })
  let opened = false
  const waiting = pins.opened([one], 60_000).then((when) => {
    opened = when
  })
  await Promise.resolve()
  expect(opened).toBe(false)
  opening[Symbol.dispose]()
  await waiting
  expect(opened).toBe(true)
  expect(await pins.opened([two], 1)).toBe(false)
})
