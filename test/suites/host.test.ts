import { hostSuite } from "../../src/hosts/host.suite.ts"
import { memoryRig, vmRig } from "../fixtures/host-rigs.ts"

hostSuite("memory", memoryRig)
hostSuite("vm", vmRig)
