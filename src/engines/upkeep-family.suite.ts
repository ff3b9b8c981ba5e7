/** A family with upkeep of every kind to be done. */
import { mebi, pointId } from "./content.suite.ts"
import type { Rig } from "./engine-rig.suite.ts"
import { Family } from "./family.suite.ts"

export const limits = { softDepth: 10, hardDepth: 16 }
const block = 65_536

/** Many points, some of them dropped, with a clone on one that is: there is work of every kind. */
export async function grown(rig: () => Rig, turns = 14) {
  const family = new Family(rig)
  const volume = await family.volume(mebi)
  const points = []
  for (let turn = 0; turn < turns; turn++) {
    if (turn % 5 === 0) await family.write(volume, { offset: turn * block, length: 2 * block })
    points.push(await family.keep(volume))
  }
  const dropped = points.filter((_, at) => at === 2 || at % 4 === 1)
  const [origin = pointId()] = dropped
  const clone = await family.clone(origin)
  await family.write(clone, { offset: 512, length: 1024 })
  await family.keep(clone)
  await family.drop(...dropped)
  return { family, volume, clone }
}
