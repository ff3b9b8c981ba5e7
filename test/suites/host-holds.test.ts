import { hostSuite } from "../../src/hosts/host.suite.ts"
import { vmRig } from "../fixtures/host-rigs.ts"

hostSuite("vm", vmRig, "holds and restarts")
