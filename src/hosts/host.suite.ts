/** What every host promises, as stories; each runs on a machine of its own. */
import { afterEach, beforeEach, describe } from "vitest"
import { diskStories, switchStories } from "./host-disks.suite.ts"
import { freezeStories, standstillStories } from "./host-holding.suite.ts"
import { powerStories, startStories } from "./host-machine.suite.ts"
import { memoryStories } from "./host-memory.suite.ts"
import { restackStories } from "./host-restack.suite.ts"
import { exitStories, restartStories } from "./host-restart.suite.ts"
import type { HostRig } from "./host-rig.suite.ts"

export function hostSuite(name: string, make: () => Promise<HostRig>): void {
  describe(`a host of kind ${name}`, () => {
    let rig: HostRig
    beforeEach(async () => {
      rig = await make()
    })
    afterEach(() => rig.end())

    startStories(() => rig)
    powerStories(() => rig)
    diskStories(() => rig)
    switchStories(() => rig)
    restackStories(() => rig)
    freezeStories(() => rig)
    standstillStories(() => rig)
    memoryStories(() => rig)
    restartStories(() => rig)
    exitStories(() => rig)
  })
}
