/** Upkeep that is interrupted, and upkeep in the midst of a switch. */
import { describe, expect, test } from "vitest"
import { content, pointId } from "./content.suite.ts"
import type { Rig } from "./engine-rig.suite.ts"
import { grown, limits } from "./upkeep-family.suite.ts"

const block = 65_536

export function crashedUpkeepStories(rig: () => Rig): void {
  test.each(["before", "after"] as const)(
    "wherever the light goes out, %s a commit, the next server carries it on",
    async (when) => {
      await rig().limit(limits)
      for (let nth = 1; ; nth++) {
        const { family, volume } = await grown(rig, 4)
        const opener = await rig().opener([await rig().engine.open(volume)])
        rig().failCommits(when, nth)
        const crashed = await family.upkeep([opener]).then(
          () => false,
          (cause: Error) => cause.message.includes("the light went out"),
        )
        await rig().restart()
        await family.writeThrough(opener, volume, { offset: 3 * block, length: 1024 })
        await family.upkeep([opener])
        await family.expectAll(new Map([[volume, opener]]))
        await opener.kill()
        await family.dropAll()
        if (!crashed) {
          expect(nth).toBeGreaterThan(4)
          return
        }
      }
    },
  )

  describe.each(["unrecorded", "recorded"] as const)("a switch, %s yet", (recording) => {
    test("is not disturbed", async () => {
      await rig().limit(limits)
      const { family, volume } = await grown(rig)
      const { engine } = rig()
      const opener = await rig().opener([await engine.open(volume)])
      await opener.switchDisks([await engine.arm(volume)])
      const point = pointId()
      family.model.keep(volume, point)
      if (recording === "recorded") await engine.switched([{ volume, point }])
      await opener.write(volume, 0, content("after the switch", block))
      family.model.write(volume, 0, content("after the switch", block))
      await family.upkeep([opener])
      await engine.switched([{ volume, point }])
      await family.upkeep([opener])
      await family.expectAll(new Map([[volume, opener]]))
      await opener.kill()
      await rig().restart()
      await family.expectAll()
      await family.dropAll()
    })
  })
}
