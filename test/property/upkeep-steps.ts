/** Upkeep in portions: begun and left, committed and left, given up, or carried out. */
import type { VolumeId } from "../../src/domain/ids.ts"
import { watch } from "../../src/engines/content.suite.ts"
import type { Upkeep } from "../../src/engines/engine.ts"
import type { Grove } from "./grove.ts"
import { pick, type Roll, type Steps, upTo } from "./rolls.ts"

export const upkeepSteps: Steps = {
  "begin upkeep": {
    weight: 5,
    async do(grove, roll) {
      const work = await anyWork(grove, roll)
      if (work === undefined) return
      grove.say(`begin ${shown(work)}`)
      await grove.unnoticed((engine) => engine.prepare(work.id, watch()))
    },
  },
  "stop upkeep": {
    weight: 2,
    async do(grove, roll) {
      const work = await anyWork(grove, roll)
      if (work === undefined) return
      const stop = new AbortController()
      const progress = () => stop.abort(new Error("stopped on its way"))
      grove.say(`begin ${shown(work)} and stop`)
      const outcome = grove.verb((engine) =>
        engine.prepare(work.id, { signal: stop.signal, progress }),
      )
      await outcome.catch((cause: Error) => {
        if (cause.message !== "stopped on its way") throw cause
      })
    },
  },
  "commit upkeep": {
    weight: 5,
    async do(grove, roll) {
      const work = await anyWork(grove, roll)
      if (work === undefined) return
      grove.say(`commit ${shown(work)} and move nobody`)
      await grove.unnoticed((engine) => engine.prepare(work.id, watch()))
      await grove.unnoticed((engine) => engine.commit(work.id))
    },
  },
  "give up upkeep": {
    weight: 1,
    async do(grove, roll) {
      const work = await anyWork(grove, roll)
      if (work === undefined) return
      grove.say(`give up ${shown(work)}`)
      await grove.unnoticed((engine) => engine.abandon(work.id))
    },
  },
  "carry out upkeep": {
    weight: 8,
    async do(grove, roll) {
      const work = await anyWork(grove, roll)
      if (work === undefined) return
      if (roll() < 0.3) failSoon(grove, roll)
      await carryOut(grove, work)
    },
  },
}

export async function carryOut(grove: Grove, work: Upkeep): Promise<void> {
  grove.say(`carry out ${shown(work)}`)
  await grove.unnoticed((engine) => engine.prepare(work.id, watch()))
  const restack = await grove.unnoticed((engine) => engine.commit(work.id))
  if (restack !== null) {
    for (const { opener } of grove.held) await opener.restack(restack)
  }
  await grove.unnoticed((engine) => engine.finish(work.id))
  await grove.checkStrays()
}

/** What must be done before a volume takes another point. */
export async function press(grove: Grove, volume: VolumeId): Promise<void> {
  const works = await grove.verb((engine) => engine.upkeep(volume))
  for (const work of works) await carryOut(grove, work)
}

export async function allUpkeep(grove: Grove): Promise<void> {
  for (let round = 0; round < 200; round++) {
    const works = await grove.verb((engine) => engine.upkeep())
    if (works.length === 0) return
    for (const work of works) await carryOut(grove, work)
  }
  throw new Error("upkeep has no end")
}

export function failSoon(grove: Grove, roll: Roll): void {
  const [when, nth] = [roll() < 0.5 ? "before" : "after", 1 + upTo(roll, 4)] as const
  grove.rig.failCommits(when, nth)
  grove.say(`the light is to go out ${when} commit ${nth} from here`)
}

async function anyWork(grove: Grove, roll: Roll): Promise<Upkeep | undefined> {
  const works = await grove.verb((engine) => engine.upkeep())
  return pick(works, roll)
}

const shown = ({ id, what }: Upkeep) => `"${what}" (${id.slice(-8)})`
