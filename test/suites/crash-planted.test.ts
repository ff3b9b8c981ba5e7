/** The crash loop finds bugs: each of these is planted, and it must not pass. */
import { expect, test } from "vitest"
import type { Engine, EngineHouse } from "../../src/engines/engine.ts"
import { everyCut, everywhere } from "../crash/crash.suite.ts"
import { makeFakes } from "../crash/fakes.ts"
import { scenarios } from "../crash/scenarios.ts"
import type { Making } from "../crash/world.ts"

type Planted = { bug: string; story: string; spoil(engine: Engine): Partial<Engine> }

const nothing = async () => undefined

const planted: readonly Planted[] = [
  {
    bug: "an undo that leaves the head behind",
    story: "machine-create that fails",
    spoil: () => ({ dropHead: nothing }),
  },
  {
    bug: "a delete that frees nothing",
    story: "snapshot-delete with a clone on it",
    spoil: () => ({ dropPoint: nothing }),
  },
  {
    bug: "a switch that is not recorded",
    story: "snapshot-create of a running machine with two disks",
    spoil: () => ({ switched: nothing }),
  },
  {
    bug: "a snapshot that keeps nothing",
    story: "snapshot-create of a detached volume",
    spoil: () => ({ createPoint: nothing }),
  },
  {
    bug: "a revert that is not taken back",
    story: "machine-revert whose guest does not come up",
    spoil: () => ({ unrevertHead: nothing }),
  },
  {
    bug: "a revert that loses what it replaced",
    story: "volume-revert",
    spoil: (engine) => ({
      async revertHead(volume, to, keep) {
        await engine.revertHead(volume, to, keep)
        await engine.dropPoint(keep)
      },
    }),
  },
]

test.each(planted)("$bug does not pass", { timeout: 120_000 }, async ({ story, spoil }) => {
  const scenario = scenarios.find(({ name }) => name === story)
  if (scenario === undefined) throw new Error(`there is no story ${story}`)
  const make = async (): Promise<Making> => {
    const fakes = await makeFakes()
    const openEngines = async () => {
      const houses = Object.entries(await fakes.openEngines())
      return Object.fromEntries(houses.map(([name, house]) => [name, spoiled(house, spoil)]))
    }
    return { ...fakes, openEngines }
  }
  await expect(everywhere(make, scenario, everyCut)).rejects.toThrow()
})

function spoiled(house: EngineHouse, spoil: Planted["spoil"]): EngineHouse {
  return {
    with(memory) {
      const engine = house.with(memory)
      const verbs = spoil(engine)
      return new Proxy(engine, {
        get(target, name) {
          const own: unknown = Reflect.get(verbs, name)
          if (own !== undefined) return own
          const value: unknown = Reflect.get(target, name)
          return typeof value === "function" ? value.bind(target) : value
        },
      })
    },
  }
}
