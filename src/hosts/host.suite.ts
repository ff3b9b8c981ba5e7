/** What every host promises, as stories; each runs on a machine of its own. */
import { afterEach, beforeEach, describe } from "vitest"
import { diskStories, switchStories } from "./host-disks.suite.ts"
import { freezeStories, standstillStories } from "./host-holding.suite.ts"
import { powerStories, startStories } from "./host-machine.suite.ts"
import { memoryStories } from "./host-memory.suite.ts"
import { restackStories } from "./host-restack.suite.ts"
import { exitStories, restartStories } from "./host-restart.suite.ts"
import type { HostRig } from "./host-rig.suite.ts"

const parts = {
  "power and disks": [startStories, powerStories, diskStories, switchStories],
  "holds and restarts": [
    restackStories,
    freezeStories,
    standstillStories,
    memoryStories,
    restartStories,
    exitStories,
  ],
}
export type Part = keyof typeof parts

/** All of it; a part at a time where machines that boot make it long. */
export function hostSuite(name: string, make: () => Promise<HostRig>, only?: Part): void {
  const stories = only === undefined ? Object.values(parts).flat() : parts[only]
  describe(`a host of kind ${name}${only === undefined ? "" : `: ${only}`}`, () => {
    let rig: HostRig
    beforeEach(async () => {
      rig = await make()
    })
    afterEach(() => rig.end())

    for (const tell of stories) tell(() => rig)
  })
}
