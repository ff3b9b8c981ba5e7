/** What goes, or goes back, and what happens to the server. */
import { pick, type Steps } from "./rolls.ts"
import { failSoon, upkeepSteps } from "./upkeep-steps.ts"

/** A revert keeps what it replaces, so there must be room for one more. */
const most = { points: 30 }

export const ending: Steps = {
  revert: {
    weight: 5,
    async do(grove, roll) {
      const volume = pick(grove.volumes, roll)
      const { sizeBytes } = volume ? grove.model.content({ volume }) : { sizeBytes: 0 }
      const smaller = grove.points.filter(
        (point) => grove.model.content({ point }).sizeBytes <= sizeBytes,
      )
      const to = pick(smaller, roll)
      if (volume === undefined || to === undefined || grove.points.length >= most.points) return
      await grove.close(volume, roll() < 0.5 ? "close" : "kill")
      const keep = grove.newPoint()
      await grove.verb((engine) => engine.revertHead(volume, to, keep))
      grove.model.keep(volume, keep, to)
      const words = `revert ${grove.name(volume)} to ${grove.name(to)}, keeping ${grove.name(keep)}`
      grove.say(words)
      if (roll() < 0.6) return
      const between = pick(Object.values(upkeepSteps), roll)
      if (roll() < 0.5) await between?.do(grove, roll)
      if (!grove.model.points.has(keep)) return
      await grove.verb((engine) => engine.unrevertHead(volume, keep))
      grove.model.unrevert(volume, keep)
      grove.say(`take that back`)
    },
  },
  "drop a point": {
    weight: 9,
    async do(grove, roll) {
      const point = pick(grove.points, roll)
      if (point === undefined) return
      await grove.verb((engine) => engine.dropPoint(point))
      grove.model.points.delete(point)
      grove.say(`drop ${grove.name(point)}`)
    },
  },
  "drop a set of points": {
    weight: 2,
    async do(grove, roll) {
      const set = grove.points.filter(() => roll() < 0.3)
      const told = await grove.verb((engine) => engine.freed(set))
      const [before, darknesses] = [await grove.rig.bytesOnDisk(), grove.darknesses]
      for (const point of set) {
        await grove.verb((engine) => engine.dropPoint(point))
        grove.model.points.delete(point)
      }
      grove.say(`drop ${set.map((point) => grove.name(point)).join(" ")}, to free ${told}`)
      const freed = before - (await grove.rig.bytesOnDisk())
      const slack = grove.rig.granuleBytes * 3 * set.length
      // A new start may find more to give back.
      if (grove.darknesses > darknesses) return
      if (Math.abs(freed - told) > slack) throw new Error(`it freed ${freed}`)
    },
  },
  "drop a head": {
    weight: 2,
    async do(grove, roll) {
      const volume = pick(grove.volumes, roll)
      if (volume === undefined) return
      await grove.close(volume, roll() < 0.5 ? "close" : "kill")
      await grove.verb((engine) => engine.dropHead(volume))
      grove.model.heads.delete(volume)
      grove.say(`drop ${grove.name(volume)}`)
    },
  },
  restart: {
    weight: 2,
    async do(grove) {
      grove.say("restart")
      await grove.restart()
    },
  },
  crash: {
    weight: 4,
    do: async (grove, roll) => failSoon(grove, roll),
  },
}
