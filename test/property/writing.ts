/** Content changes, and processes come and go. */
import type { VolumeId } from "../../src/domain/ids.ts"
import { put, sparseOf } from "../../src/engines/content.suite.ts"
import type { Grove } from "./grove.ts"
import { pick, type Roll, runIn, type Steps, upTo } from "./rolls.ts"

const mebi = 2 ** 20

export const writing: Steps = {
  write: {
    weight: 22,
    async do(grove, roll) {
      const volume = pick(grove.volumes, roll)
      if (volume !== undefined) await write(grove, volume, roll)
    },
  },
  zero: {
    weight: 6,
    async do(grove, roll) {
      const volume = pick(grove.volumes, roll)
      if (volume === undefined) return
      if (grove.openerOf(volume) === undefined) await grove.open([volume])
      const { sizeBytes } = grove.model.content({ volume })
      const how = roll() < 0.5 ? "discard" : "write zeroes"
      const whole = Math.floor(sizeBytes / 65_536)
      const first = upTo(roll, whole)
      const count = 1 + upTo(roll, Math.min(8, whole - first))
      const run = { offset: first * 65_536, length: count * 65_536 }
      await grove.openerOf(volume)?.zero(volume, run, how)
      grove.model.write(volume, run.offset, Buffer.alloc(run.length))
      grove.say(`${how} ${grove.name(volume)} at ${run.offset}+${run.length}`)
    },
  },
  import: {
    weight: 2,
    async do(grove, roll) {
      const volume = pick(grove.volumes, roll)
      if (volume === undefined) return
      await grove.close(volume, "close")
      const bytes = Buffer.alloc(upTo(roll, mebi))
      const run = runIn(bytes.length, roll)
      bytes.set(grove.fresh(run.length).subarray(0, bytes.length - run.offset), run.offset)
      const source = sparseOf(bytes, upTo(roll, 1000))
      await grove.verb((engine) => put(engine, volume, source, "sparse"))
      grove.model.replace(volume, bytes)
      grove.say(`import ${bytes.length} into ${grove.name(volume)}`)
    },
  },
  open: {
    weight: 4,
    async do(grove, roll) {
      const closed = grove.volumes.filter((volume) => grove.openerOf(volume) === undefined)
      const from = upTo(roll, closed.length)
      const volumes = closed.slice(from, from + 1 + upTo(roll, 2))
      if (volumes.length > 0) await grove.open(volumes)
    },
  },
  close: {
    weight: 5,
    async do(grove, roll) {
      const holder = pick(grove.held, roll)
      if (holder !== undefined) await grove.end(holder, roll() < 0.5 ? "close" : "kill")
    },
  },
}

/** By the process that has it open, or by one that has from here on. */
export async function write(grove: Grove, volume: VolumeId, roll: Roll): Promise<void> {
  if (grove.openerOf(volume) === undefined) await grove.open([volume])
  const { offset, length } = runIn(grove.model.content({ volume }).sizeBytes, roll)
  const bytes = grove.fresh(length)
  await grove.openerOf(volume)?.write(volume, offset, bytes)
  grove.model.write(volume, offset, bytes)
  grove.say(`write ${grove.name(volume)} at ${offset}+${length}`)
}
