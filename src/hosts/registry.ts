/** Every kind of host, by the name that the configuration knows it by. */
import type { Host, HostConfig } from "./host.ts"
import { openVmHost } from "./vm/host.ts"

export const hostKinds = {
  vm: openVmHost,
} as const satisfies Record<string, (config: HostConfig) => Promise<Host>>
