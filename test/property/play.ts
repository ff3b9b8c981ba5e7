/**
 * Hundreds of random steps, the same for the same seed. Which steps there are and what they roll is
 * settled before the first of them is done, so that a run that fails can be done again with steps
 * left out, until none can be left out any more.
 */
import { dice } from "../../src/engines/content.suite.ts"
import type { Rig } from "../../src/engines/engine-rig.suite.ts"
import { Grove } from "./grove.ts"
import { pick, upTo } from "./rolls.ts"
import { steps } from "./steps.ts"
import { allUpkeep } from "./upkeep-steps.ts"

export type Game = {
  make(): Promise<Rig>
  seed: number
  steps: number
  /** The only kinds of steps there are to be; all of them unless told. */
  only?: readonly string[]
  /** How often a failed run may be done again to shorten it. */
  shorten: number
}

type Move = { step: string; seed: number }

export async function play(game: Game): Promise<void> {
  const moves = movesOf(game)
  const failed = await failureOf(game, moves)
  if (failed === null) return
  const { story, cause } = await shortest(game, moves.slice(0, failed.at + 1), failed)
  const lines = story.map((line, at) => `${String(at + 1).padStart(4)}  ${line}`)
  const how = `seed ${game.seed} (TINTYPE_SEED=${game.seed}), as short as it was made:`
  throw new Error([how, ...lines, String(cause)].join("\n"), { cause })
}

function movesOf({ seed, steps: count, only }: Game): Move[] {
  const roll = dice(seed * 7919 + 17)
  const chosen = Object.entries(steps).filter(([name]) => only?.includes(name) ?? true)
  const bag = chosen.flatMap(([name, { weight }]) => Array<string>(weight).fill(name))
  // Without a volume there is nothing to do.
  const first = (at: number) => (at < 2 ? "create" : undefined)
  return Array.from({ length: count }, (_, at) => ({
    step: first(at) ?? pick(bag, roll) ?? "create",
    seed: 1 + upTo(roll, 2 ** 30),
  }))
}

type Failure = { at: number; story: readonly string[]; cause: unknown }

async function failureOf({ make }: Game, moves: readonly Move[]): Promise<Failure | null> {
  const rig = await make()
  let at = 0
  const grove = new Grove(rig)
  try {
    for (const move of moves) {
      await steps[move.step]?.do(grove, dice(move.seed))
      await grove.checkSpaces()
      at++
    }
    at = moves.length - 1
    await fell(grove, dice(moves.length))
    return null
  } catch (cause) {
    return { at, story: grove.said, cause }
  } finally {
    await rig.end()
  }
}

/** The end of every run: all is as it should be, and then nothing is left of it. */
async function fell(grove: Grove, roll: () => number): Promise<void> {
  grove.say("all is checked, and done that is to be done")
  await grove.restart()
  await grove.checkAll()
  await allUpkeep(grove)
  await grove.checkAll()
  for (const holder of [...grove.held]) await grove.end(holder, roll() < 0.5 ? "close" : "kill")
  await grove.checkAll()
  const { heads, points } = grove.model
  while (heads.size + points.size > 0) {
    const [volume] = [...heads.keys()].slice(Math.floor(roll() * 3))
    const [point] = [...points.keys()].slice(Math.floor(roll() * 3))
    if (volume !== undefined && roll() < 0.3) {
      await grove.verb((engine) => engine.dropHead(volume))
      heads.delete(volume)
    } else if (point !== undefined) {
      await grove.verb((engine) => engine.dropPoint(point))
      points.delete(point)
    }
  }
  grove.say("all is dropped")
  await allUpkeep(grove)
  const left = [...(await grove.rig.leftovers()), ...(await grove.rig.engine.examine())]
  if (left.length > 0) throw new Error(`left over: ${JSON.stringify(left)}`)
}

/** Leaves out halves, quarters and so on, as long as what is left fails in some way. */
async function shortest(game: Game, moves: Move[], failure: Failure): Promise<Failure> {
  let [best, told] = [moves, failure]
  let tries = game.shorten
  for (let size = Math.ceil(best.length / 2); size >= 1; size = Math.floor(size / 2)) {
    for (let from = 0; from < best.length && tries > 0; ) {
      const rest = [...best.slice(0, from), ...best.slice(from + size)]
      const again = await failureOf(game, rest)
      tries--
      if (again === null) {
        from += size
        continue
      }
      best = rest.slice(0, again.at + 1)
      told = again
    }
  }
  return told
}
