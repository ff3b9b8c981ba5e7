/**
 * What is run through the benchmarks. An engine or a host takes part by its line in its own
 * registry (the ones without disks and processes are no match), a face by its line here.
 */
import { engines as allEngines } from "../src/engines/registry.ts"
import type { FaceName } from "../src/faces/registry.ts"
import { hostKinds } from "../src/hosts/registry.ts"
import { type FaceClient, iaasClient, nativeClient, openstackClient } from "./rig/face-client.ts"
import type { Server } from "./rig/server.ts"

const { memory: _engineWithoutDisks, ...engines } = allEngines
const { memory: _hostWithoutProcesses, ...hosts } = hostKinds

export type EngineName = keyof typeof engines
export const engineNames = Object.keys(engines) as EngineName[]
export const openEngine = engines
export const machineKinds = Object.keys(hosts) as (keyof typeof hosts)[]

/** They know no snapshots of volumes, which is what is measured. */
type OfMachinesAlone = "cloudapi" | "hostway"

export const faceClients: {
  readonly [name in Exclude<FaceName, OfMachinesAlone>]: (server: Server) => FaceClient
} = {
  native: nativeClient,
  openstack: openstackClient,
  iaas: iaasClient,
}
