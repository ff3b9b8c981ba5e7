/**
 * The Hostway face: FlexCloud servers, their snapshots and extra volumes, for clients that speak
 * HTTP Basic and JSON. What is asynchronous is watched on the thing itself: `BUILD` → `ACTIVE`.
 */
import type { Face } from "../face.ts"
import type { HostwaySettings } from "../settings.ts"
import { renderFault, renderMishap } from "./faults.ts"
import { identify } from "./identify.ts"
import { accountRoutes } from "./routes/accounts.ts"
import { attachmentRoutes } from "./routes/attachments.ts"
import { catalogRoutes } from "./routes/catalog.ts"
import { serverActionRoutes } from "./routes/server-actions.ts"
import { serverRoutes } from "./routes/servers.ts"
import { snapshotRoutes } from "./routes/snapshots.ts"
import { volumeRoutes } from "./routes/volumes.ts"

export const hostwayFace = (settings: HostwaySettings): Face => ({
  name: "hostway",
  routes: [
    ...accountRoutes,
    ...catalogRoutes,
    ...serverRoutes,
    ...serverActionRoutes,
    ...snapshotRoutes(settings),
    ...volumeRoutes,
    ...attachmentRoutes,
  ],
  bodyLimitBytes: 64 * 1024,
  identify,
  renderFault,
  renderMishap,
})
