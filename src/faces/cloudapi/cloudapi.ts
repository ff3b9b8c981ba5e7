/**
 * The face of Joyent's and Triton's CloudAPI, versions 7 to 9, as far as people go who make
 * machines and snapshots of them: `triton`, the `sdc-*` tools, triton-go and Terraform.
 */
import type { Face, Route } from "../face.ts"
import type { CloudapiSettings } from "../settings.ts"
import { renderFault, renderMishap } from "./faults.ts"
import { standardHeaders } from "./headers.ts"
import { openIdentify } from "./identify.ts"
import { absentRoutes } from "./routes/absent.ts"
import { accountRoutes } from "./routes/account.ts"
import { catalogRoutes } from "./routes/catalog.ts"
import { keyRoutes } from "./routes/keys.ts"
import { labelRoutes } from "./routes/labels.ts"
import { actionRoutes } from "./routes/machine-actions.ts"
import { diskRoutes } from "./routes/machine-disks.ts"
import { machineRoutes } from "./routes/machines.ts"
import { snapshotRoutes } from "./routes/snapshots.ts"
import { userRoutes } from "./routes/users.ts"

export function cloudapiFace(settings: CloudapiSettings): Face {
  const routes: readonly Route[] = [
    ...accountRoutes(settings),
    ...keyRoutes,
    ...userRoutes,
    ...catalogRoutes,
    ...machineRoutes,
    ...actionRoutes,
    ...diskRoutes,
    ...labelRoutes,
    ...snapshotRoutes(settings),
    ...absentRoutes,
  ]
  return {
    name: "cloudapi",
    routes,
    bodyLimitBytes: 100_000,
    identify: openIdentify(settings),
    renderFault,
    renderMishap,
    headers: standardHeaders(routes),
  }
}
