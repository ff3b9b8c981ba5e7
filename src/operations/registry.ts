/**
 * Every operation there is, by name and version. A changed list of steps is a new version beside
 * the old one, which stays until no operation of it is open anywhere.
 */
import { imageDelete } from "./image/delete.ts"
import { imageBuildDemo, imageImport } from "./image/import.ts"
import { machineCreate } from "./machine/create.ts"
import { machineDelete } from "./machine/delete.ts"
import { machineAttach, machineDetach } from "./machine/disks.ts"
import { machineReboot, machineStart, machineStop } from "./machine/power.ts"
import { machineResize } from "./machine/resize.ts"
import { machineRevert } from "./machine/revert.ts"
import type { AnySaga } from "./saga.ts"
import { snapshotCapture } from "./snapshot/capture.ts"
import { snapshotCreate } from "./snapshot/create.ts"
import { snapshotDelete } from "./snapshot/delete.ts"
import { snapshotExport } from "./snapshot/export.ts"
import { upkeep } from "./upkeep.ts"
import { volumeClone } from "./volume/clone.ts"
import { volumeCreate } from "./volume/create.ts"
import { volumeDelete } from "./volume/delete.ts"
import { volumeExport } from "./volume/export.ts"
import { volumeGrow } from "./volume/grow.ts"
import { volumeImport } from "./volume/import.ts"
import { volumeRevert } from "./volume/revert.ts"

const all = [
  imageBuildDemo,
  imageDelete,
  imageImport,
  machineAttach,
  machineCreate,
  machineDelete,
  machineDetach,
  machineReboot,
  machineResize,
  machineRevert,
  machineStart,
  machineStop,
  snapshotCapture,
  snapshotCreate,
  snapshotDelete,
  snapshotExport,
  upkeep,
  volumeClone,
  volumeCreate,
  volumeDelete,
  volumeExport,
  volumeGrow,
  volumeImport,
  volumeRevert,
]

export const sagas: ReadonlyMap<string, AnySaga> = new Map(
  all.map((each) => [`${each.name}@${each.version}`, each as unknown as AnySaga]),
)
