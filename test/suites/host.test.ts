import { hostSuite } from "../../src/hosts/host.suite.ts"
import { vmRig } from "../fixtures/host-rigs.ts"
import { memoryRig } from "../fixtures/memory-host-rig.ts"

hostSuite("memory", memoryRig)
hostSuite("memory, with guests that stand still", () => memoryRig({ standing: true }))
hostSuite("vm", vmRig, "power and disks")
