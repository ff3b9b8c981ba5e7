import type { MachineView } from "../../../core/core.ts"
import type { MachineState } from "../../../domain/machine.ts"
import type { Dialect } from "../versions.ts"
import { packageOf } from "./package.ts"
import { brandWords, MiB, timeText, typeWords } from "./words.ts"

const states: Record<MachineState, string> = {
  creating: "provisioning",
  running: "running",
  stopped: "stopped",
  deleting: "stopping",
  failed: "failed",
}

/**
 * What a machine is on its way through while an operation waits or works. Clients wait for
 * `running` or `stopped` and take the first they see: until the work is done, it is neither.
 */
const movements: Record<string, string> = {
  "machine-revert": "stopping",
  "machine-stop": "stopping",
  "machine-reboot": "stopping",
  "machine-resize": "stopping",
  "machine-delete": "stopping",
  "machine-start": "provisioning",
}

/** `underWay`: the kinds of operations that are not done yet, the next one first. */
export function stateWord(state: MachineState, underWay: readonly string[]): string {
  if (state === "creating" || state === "failed") return states[state]
  const next = underWay.find((kind) => movements[kind] !== undefined)
  if (next === undefined || (next === "machine-start" && state === "running")) return states[state]
  return movements[next] ?? states[state]
}

/** No machine here has a network: what is true of it is what it does not have. */
export function renderMachine(machine: MachineView, state: string, dialect: Dialect) {
  const { id, name, kind, hardware, imageId, disks, createdAt } = machine
  const root = disks.find(({ role }) => role === "root")
  const disk = Math.ceil((root?.sizeBytes ?? 0) / MiB)
  return {
    id,
    name,
    type: typeWords[kind],
    ...(dialect.brands ? { brand: brandWords[kind] } : { dataset: imageId }),
    state,
    image: imageId,
    ips: [],
    memory: hardware.memoryMiB,
    disk,
    deletion_protection: machine.deletionProtected,
    metadata: machine.metadata,
    tags: machine.tags,
    created: timeText(createdAt, dialect),
    updated: timeText(createdAt, dialect),
    ...(dialect.networks ? { networks: [], nics: [] } : {}),
    firewall_enabled: false,
    compute_node: machine.node,
    package: packageOf(hardware),
    ...(dialect.brands && kind === "vm" ? { flexible: false, disks: renderDisks(machine) } : {}),
  }
}

export const renderDisks = ({ disks, imageId }: MachineView) =>
  disks.map(({ id, sizeBytes, role }) => ({
    id,
    size: Math.ceil(sizeBytes / MiB),
    block_size: 65_536,
    ...(role === "root" ? { boot: true, image: imageId } : {}),
  }))

export type ShownMachine = ReturnType<typeof renderMachine>
