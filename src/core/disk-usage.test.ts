import { expect, test } from "vitest"
import { newId } from "../domain/ids.ts"
import { openDiskUsage } from "./disk-usage.ts"
import { LookFirst, lookingFirst } from "./look-first.ts"

/** One volume and one image, whose owner and bytes a test sets; looking takes so long. */
function world() {
  const [accountId, volume, image] = [newId<"account">(), newId<"volume">(), newId<"image">()]
  const pointId = newId<"point">()
  const at = { now: 0, looks: 0, volumeBytes: 5, takesMs: 0 }
  const engine = {
    async usage() {
      at.looks += 1
      at.now += at.takesMs
      return new Map([[volume, at.volumeBytes]])
    },
    space: async () => new Map([[pointId, { exclusive: 30, shared: 4 }]]),
  }
  const read = {
    images: { find: async () => [{ id: image, accountId, pointId }] },
    volumes: { find: async () => [{ id: volume, accountId }] },
  }
  const usage = openDiskUsage({
    ledger: { read: read as never },
    engine: () => engine as never,
    engineNames: ["one"],
    clock: () => at.now,
  })
  return { at, usage, accountId, volume, image }
}

test("volumes and images are charged to their account", async () => {
  const { usage, accountId, volume, image } = world()
  const use = await usage.now()
  expect(use.volumes.get(volume)).toBe(5)
  expect(use.images.get(image)).toBe(34)
  expect(use.accounts.get(accountId)).toBe(39)
})

test("what was found is good for a second; those who ask at once share one look", async () => {
  const { usage, at } = world()
  await Promise.all([usage.now(), usage.now()])
  at.now = 999
  await usage.now()
  expect(at.looks).toBe(1)
  at.now = 1000
  await usage.now()
  expect(at.looks).toBe(2)
})

test("a look that takes long is not repeated soon", async () => {
  const { usage, at } = world()
  at.takesMs = 4000
  await usage.now()
  at.now = 43_999
  await usage.now()
  expect(at.looks).toBe(1)
})

test("what ended since the look is counted until the next one", async () => {
  const { usage, at, accountId } = world()
  usage.settled(accountId, 100)
  expect(usage.settledSince(accountId)).toBe(0)
  await usage.now()
  at.now = 10
  usage.settled(accountId, 7)
  usage.settled(newId<"account">(), 9)
  expect(usage.settledSince(accountId)).toBe(7)
  at.now = 2000
  await usage.now()
  expect(usage.settledSince(accountId)).toBe(0)
})

test("within a transaction nobody waits: it is begun again when the look is done", async () => {
  const { usage, at, volume } = world()
  expect(() => usage.known()).toThrow(LookFirst)
  const found = await lookingFirst(async () => usage.known().volumes.get(volume))
  expect(found).toBe(5)
  expect(at.looks).toBe(1)
})

test("one who never knows enough gives up in the end", async () => {
  const asking = lookingFirst(async () => {
    throw new LookFirst(async () => undefined)
  })
  await expect(asking).rejects.toThrow(/looked up/)
})
