/** Volumes, clones and points come to be, of closed volumes and of open ones. */
import type { VolumeId } from "../../src/domain/ids.ts"
import type { Grove } from "./grove.ts"
import { pick, type Roll, type Steps } from "./rolls.ts"
import { press } from "./upkeep-steps.ts"
import { write } from "./writing.ts"

const mebi = 2 ** 20
const sizes = [4 * mebi, 2 * mebi + 512]
/** What volumes grow by: within a cluster, to the next one, by several. */
const steps = [512, 65_024, 300_032]
const most = { heads: 5, points: 30, bytes: 5 * mebi }

export const growing: Steps = {
  create: {
    weight: 3,
    async do(grove, roll) {
      if (grove.volumes.length >= most.heads) return
      const sizeBytes = pick(sizes, roll) ?? mebi
      const volume = grove.newVolume()
      await grove.verb((engine) => engine.createHead(volume, { sizeBytes }))
      grove.model.create(volume, sizeBytes)
      grove.say(`create ${grove.name(volume)} of ${sizeBytes}`)
    },
  },
  clone: {
    weight: 5,
    async do(grove, roll) {
      const point = pick(grove.points, roll)
      if (point === undefined || grove.volumes.length >= most.heads) return
      const grown = roll() < 0.2 ? 65_536 + 512 : 0
      const sizeBytes = grove.model.content({ point }).sizeBytes + grown
      const volume = grove.newVolume()
      await grove.verb((engine) => engine.createHead(volume, { sizeBytes, point }))
      grove.model.create(volume, sizeBytes, point)
      grove.say(`clone ${grove.name(point)} as ${grove.name(volume)} of ${sizeBytes}`)
    },
  },
  grow: {
    weight: 4,
    async do(grove, roll) {
      const volume = pick(grove.volumes, roll)
      if (volume === undefined) return
      const { sizeBytes } = grove.model.content({ volume })
      const larger = sizeBytes + (pick(steps, roll) ?? 512)
      if (larger > most.bytes) return
      await grove.close(volume, roll() < 0.5 ? "close" : "kill")
      await grove.verb((engine) => engine.growHead(volume, larger))
      grove.model.grow(volume, larger)
      grove.say(`grow ${grove.name(volume)} to ${larger}`)
    },
  },
  snapshot: {
    weight: 14,
    async do(grove, roll) {
      const volume = pick(grove.volumes, roll)
      if (volume !== undefined) await snapshot(grove, volume, roll)
    },
  },
  series: {
    weight: 2,
    async do(grove, roll) {
      const volume = pick(grove.volumes, roll)
      if (volume === undefined) return
      for (let turn = 0; turn < 5; turn++) {
        if (roll() < 0.3) await write(grove, volume, roll)
        await snapshot(grove, volume, roll)
      }
    },
  },
  arm: {
    weight: 3,
    async do(grove, roll) {
      const volume = pick(grove.volumes, roll)
      if (volume === undefined || grove.openerOf(volume) === undefined) return
      await grove.verb((engine) => engine.arm(volume))
      grove.say(`arm ${grove.name(volume)}`)
    },
  },
}

async function snapshot(grove: Grove, volume: VolumeId, roll: Roll): Promise<void> {
  if (grove.points.length >= most.points) return
  await press(grove, volume)
  const point = grove.newPoint()
  const opener = grove.openerOf(volume)
  grove.say(`snapshot ${grove.name(volume)} as ${grove.name(point)}`)
  const order = opener && (await grove.verb((engine) => engine.arm(volume)))
  // With the power it may have gone meanwhile.
  if (opener === undefined || order === undefined || opener !== grove.openerOf(volume)) {
    await grove.verb((engine) => engine.createPoint(volume, point))
    grove.model.keep(volume, point)
    return
  }
  await opener.switchDisks([order])
  const fate = roll()
  if (fate < 0.1) {
    // Nobody comes to record it: what is written from here on is kept all the same.
    grove.say("  switched and never recorded; its opener dies")
    const bytes = grove.fresh(512)
    await opener.write(volume, 0, bytes)
    grove.model.write(volume, 0, bytes)
    await grove.close(volume, "kill")
    return
  }
  if (fate < 0.2) {
    grove.say("  a restart between switch and record")
    await grove.restart()
  }
  const named = fate < 0.9
  await grove.verb((engine) => engine.switched([{ volume, point: named ? point : null }]))
  if (named) grove.model.keep(volume, point)
  else grove.say("  recorded without a name")
}
