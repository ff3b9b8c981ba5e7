/**
 * The light goes out at the n-th commit, for every n, just before it and just after. The next
 * server starts on what is left and does everything again from the beginning, for every verb may
 * be called twice; then all must be as if nothing had happened.
 */
import { describe, expect, test } from "vitest"
import { newId, type PointId, type VolumeId } from "../domain/ids.ts"
import { bytesOf, content, mebi, put } from "./content.suite.ts"
import type { Engine } from "./engine.ts"
import type { Rig } from "./engine-rig.suite.ts"

export function crashStories(rig: () => Rig): void {
  describe.each(["before", "after", "with the power"] as const)(
    "wherever the light goes out, %s a commit",
    (when) => {
      test("all is done when it is done again", async () => {
        for (let nth = 1; ; nth++) {
          const cast = newCast()
          rig().failCommits(when, nth)
          const crashed = await everything(rig().engine, cast).then(
            () => false,
            (cause: Error) => cause.message.includes("the light went out"),
          )
          await rig().restart()
          const { engine } = rig()
          expect(await engine.examine()).toEqual([])
          await everything(engine, cast)
          await expectAll(engine, cast)
          await dropAll(engine, cast)
          expect(await rig().leftovers()).toEqual([])
          if (!crashed) {
            expect(nth).toBeGreaterThan(8)
            return
          }
        }
      })

      test("what was dropped stays dropped, and the rest stands", async () => {
        for (let nth = 1; ; nth++) {
          const cast = newCast()
          await everything(rig().engine, cast)
          rig().failCommits(when, nth)
          const crashed = await dropAll(rig().engine, cast).then(
            () => false,
            () => true,
          )
          await rig().restart()
          expect(await rig().engine.examine()).toEqual([])
          await dropAll(rig().engine, cast)
          expect(await rig().leftovers()).toEqual([])
          if (!crashed) {
            expect(nth).toBeGreaterThan(4)
            return
          }
        }
      })
    },
  )
}

type Cast = { volume: VolumeId; clone: VolumeId } & Record<
  "first" | "second" | "third" | "keep",
  PointId
>

const newCast = (): Cast => ({
  volume: newId(),
  clone: newId(),
  first: newId(),
  second: newId(),
  third: newId(),
  keep: newId(),
})

const [early, late] = [content("early", mebi / 4), content("late", mebi / 4)]
const grown = Buffer.concat([late, Buffer.alloc(mebi / 4)])

async function everything(engine: Engine, cast: Cast): Promise<void> {
  const { volume, clone, first, second, third, keep } = cast
  await engine.createHead(volume, { sizeBytes: mebi / 4 })
  await put(engine, volume, early)
  await engine.createPoint(volume, first)
  await put(engine, volume, late)
  await engine.createPoint(volume, second)
  await engine.createHead(clone, { sizeBytes: mebi / 4, point: first })
  await engine.growHead(volume, mebi / 2)
  await engine.arm(volume)
  await engine.switched([{ volume, point: third }])
  await engine.revertHead(volume, first, keep)
  await engine.unrevertHead(volume, keep)
}

async function expectAll(engine: Engine, cast: Cast): Promise<void> {
  const { volume, clone, first, second, third, keep } = cast
  const told = {
    volume: (await bytesOf(engine, { volume })).equals(grown),
    clone: (await bytesOf(engine, { volume: clone })).equals(early),
    first: (await bytesOf(engine, { point: first })).equals(early),
    second: (await bytesOf(engine, { point: second })).equals(late),
    third: (await bytesOf(engine, { point: third })).equals(grown),
    keep: await engine.hasPoint(keep),
  }
  const all = { volume: true, clone: true, first: true, second: true, third: true, keep: false }
  expect(told).toEqual(all)
  expect(await engine.examine()).toEqual([])
}

async function dropAll(engine: Engine, cast: Cast): Promise<void> {
  for (const point of [cast.second, cast.first, cast.third, cast.keep]) {
    await engine.dropPoint(point)
  }
  for (const volume of [cast.volume, cast.clone]) await engine.dropHead(volume)
}
