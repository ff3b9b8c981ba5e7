/** Block Storage v1, as Rackspace had it: all its routes. */
import type { Route } from "../../face.ts"
import type { OpenstackSettings } from "../../settings.ts"
import { actionRoutes } from "./actions.ts"
import { metadataRoutes } from "./metadata.ts"
import { quotaRoutes } from "./quotas.ts"
import { mounted, type V1Route } from "./route.ts"
import { snapshotRoutes } from "./snapshots.ts"
import { typeRoutes } from "./types.ts"
import { volumeRoutes } from "./volumes.ts"

/** Which extensions there are is asked for by some; they are all part of it here. */
const extensions: V1Route = {
  method: "GET",
  path: "/extensions",
  answer: async ({ show }) => show(200, { extensions: [] }),
}

const all: readonly V1Route[] = [
  ...volumeRoutes,
  ...snapshotRoutes,
  ...metadataRoutes,
  ...typeRoutes,
  ...quotaRoutes,
  ...actionRoutes,
  extensions,
]

export const v1Routes = (settings: OpenstackSettings): Route[] =>
  all.flatMap((route) => mounted(route, settings))
