/**
 * The IaaS face: VMware Aria (vRealize) Automation's infrastructure API, as far as machines,
 * disks and their snapshots need it. Work that takes time is answered by a request tracker.
 */
import type { Face } from "../face.ts"
import type { IaasSettings } from "../settings.ts"
import { identify } from "./identify.ts"
import { aboutRoutes } from "./routes/about.ts"
import { blockDeviceRoutes } from "./routes/block-devices.ts"
import { diskSnapshotRoutes } from "./routes/disk-snapshots.ts"
import { inventoryRoutes } from "./routes/inventory.ts"
import { loginRoutes } from "./routes/login.ts"
import { machineDiskRoutes } from "./routes/machine-disks.ts"
import { machineOperationRoutes } from "./routes/machine-operations.ts"
import { machineSnapshotRoutes } from "./routes/machine-snapshots.ts"
import { machineRoutes } from "./routes/machines.ts"
import { trackerRoutes } from "./routes/trackers.ts"
import { renderFault, renderMishap } from "./service-error.ts"

export const iaasFace = (settings: IaasSettings): Face => ({
  name: "iaas",
  routes: [
    ...loginRoutes(settings),
    ...aboutRoutes,
    ...machineRoutes(settings),
    ...machineOperationRoutes,
    ...machineDiskRoutes,
    ...machineSnapshotRoutes(settings),
    ...blockDeviceRoutes,
    ...diskSnapshotRoutes(settings),
    ...trackerRoutes,
    ...inventoryRoutes,
  ],
  bodyLimitBytes: 2 ** 20,
  identify,
  renderFault,
  renderMishap,
})
