import { engineSuite } from "../../src/engines/engine.suite.ts"
import { memoryRig, qcow2Rig } from "../fixtures/engine-rigs.ts"

engineSuite("memory", memoryRig)
engineSuite("qcow2", qcow2Rig)
