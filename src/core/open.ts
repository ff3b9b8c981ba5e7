/** The core, put together from its rooms. */
import type { Context } from "./context.ts"
import type { Core } from "./core.ts"
import { openHouse } from "./house.ts"
import { openIdentity } from "./identity.ts"
import { openImages } from "./images.ts"
import { openMachines } from "./machines.ts"
import { openOperations } from "./operations.ts"
import { openSnapshots } from "./snapshots.ts"
import { openVolumes } from "./volumes.ts"

export const openCore = (context: Context & { metrics(): Promise<string> }): Core => ({
  identity: openIdentity(context),
  images: openImages(context),
  machines: openMachines(context),
  volumes: openVolumes(context),
  snapshots: openSnapshots(context),
  operations: openOperations(context),
  house: openHouse(context),
})
