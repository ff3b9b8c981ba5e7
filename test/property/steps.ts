/** What may happen to a tree of volumes. A step that makes no sense as things are does nothing. */
import { ending } from "./ending.ts"
import { growing } from "./growing.ts"
import { pick, type Steps } from "./rolls.ts"
import { upkeepSteps } from "./upkeep-steps.ts"
import { writing } from "./writing.ts"

const checking: Steps = {
  "read a point": {
    weight: 4,
    async do(grove, roll) {
      const point = pick(grove.points, roll)
      if (point !== undefined) await grove.check({ point })
    },
  },
  "read a head": {
    weight: 4,
    async do(grove, roll) {
      const volume = pick(grove.volumes, roll)
      if (volume !== undefined) await grove.check({ volume })
    },
  },
  "ask for changes": {
    weight: 4,
    async do(grove, roll) {
      const to = pick(grove.points, roll)
      if (to === undefined) return
      const from = roll() < 0.2 ? null : (pick(grove.points, roll) ?? null)
      const changes = await grove.verb((engine) => engine.changes(from, to))
      const fault = grove.model.faultIn(changes, { from, to }, grove.rig.granuleBytes)
      const names = `${from === null ? "nothing" : grove.name(from)} to ${grove.name(to)}`
      if (fault !== null) throw new Error(`changes from ${names}: ${fault}`)
    },
  },
  "check all": { weight: 1, do: (grove) => grove.checkAll() },
}

export const steps: Steps = {
  ...growing,
  ...writing,
  ...ending,
  ...checking,
  ...upkeepSteps,
}
