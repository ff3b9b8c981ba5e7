/** One line for each kind of host; adding one is a folder and a line here. */
import type { Host, HostConfig } from "./host.ts"
import { openMemoryHost } from "./memory/host.ts"
import { openVmHost } from "./vm/host.ts"

export const hostKinds = {
  memory: (config) => openMemoryHost(config),
  vm: openVmHost,
} satisfies Record<string, (config: HostConfig) => Promise<Host>>
