import { expect, test } from "vitest"
import { freeSpace, lowWaterBytes, mustHaveSpace, pausedWords } from "./free-space.ts"

const GiB = 2 ** 30

const standing = (freeBytes: number, reservedBytes: number) => {
  const rooms = { operations: { sum: async () => reservedBytes } }
  const fileSystem = () => ({ totalBytes: 100 * GiB, freeBytes })
  const capacity = { fileSystem, lowWater: { bytes: GiB } }
  return [rooms, { node: "here", capacity: capacity as never }] as const
}

test("the mark is a gibibyte or a twentieth of the disk, or what was asked for", () => {
  expect(lowWaterBytes(null, 1000 * GiB)).toBe(GiB)
  expect(lowWaterBytes(null, 10 * GiB)).toBe(GiB / 2)
  expect(lowWaterBytes({ bytes: 7 }, 10 * GiB)).toBe(7)
  expect(lowWaterBytes({ share: 0.1 }, 1005)).toBe(100)
})

test("what is asked for must fit above the mark, to the byte", async () => {
  await mustHaveSpace(...standing(3 * GiB, GiB), GiB)
  const fault = {
    kind: "no-space",
    neededBytes: GiB,
    freeBytes: 3 * GiB - 1,
    keptBytes: 2 * GiB,
  }
  await expect(mustHaveSpace(...standing(3 * GiB - 1, GiB), GiB)).rejects.toMatchObject({ fault })
})

test("what is set aside is not free, and the words say so", async () => {
  expect((await freeSpace(...standing(2 * GiB, GiB))).paused).toBe(false)
  const space = await freeSpace(...standing(2 * GiB, GiB + 1))
  expect(space.paused).toBe(true)
  expect(pausedWords(space)).toBe(
    `new work is paused: ${2 * GiB} bytes are free, ${GiB} of them must stay free and ` +
      `${GiB + 1} are set aside for what is under way`,
  )
})
