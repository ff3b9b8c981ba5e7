/**
 * The command line of a machine's QEMU. Everything a guest can notice is spelled out: a machine
 * restored from a snapshot with memory must find the same device at the same address.
 *
 * On `pcie.0`: 0x2 and 0x3 are sixteen root ports, one for each disk slot, because q35 can hot
 * plug only below a root port; 0x4 is virtio-serial with the agent's port, 0x5 the random source.
 */

import type { BlockNode } from "../../domain/disk.ts"
import { Refusal } from "../../domain/fault.ts"
import type { MachineId, VolumeId } from "../../domain/ids.ts"
import type { Hardware } from "../../domain/machine.ts"
import { firstInherited } from "../../platform/process.ts"
import type { StartOrder } from "../host.ts"
import { placesOf } from "./layout.ts"

export const slotCount = 16
export const diskId = (slot: number) => `disk${slot}`
export const portId = (slot: number) => `slot${slot}`
export const agentPort = "org.qemu.guest_agent.0"

/** Hardware with nothing left open. */
export type FixedHardware = Hardware & { machineType: string; cpuModel: string }

/** `order` in full, as QEMU's argument list; the paths are relative to the data directory. */
export function commandLine(
  qemu: string,
  order: StartOrder,
  hardware: FixedHardware,
  accelerator: "kvm" | "tcg",
): [string, ...string[]] {
  const kvm = accelerator === "kvm"
  return [
    qemu,
    ...["-name", `guest=tintype-${order.machine},debug-threads=on`],
    ...identityArguments(order.machine),
    ...["-nodefaults", "-no-user-config", "-display", "none", "-msg", "timestamp=on"],
    ...["-sandbox", "on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny"],
    ...["-machine", plainName(hardware.machineType)],
    ...["-accel", kvm ? "kvm" : `tcg,tb-size=${translatedMiB}`],
    // A guest under KVM gets all of the model it was promised, or the start fails.
    ...["-cpu", plainName(hardware.cpuModel) + (kvm ? ",enforce" : "")],
    ...["-smp", String(hardware.cpus), "-m", `${hardware.memoryMiB}M`],
    ...channels(order.machine),
    ...rootPorts(),
    ...["-device", "virtio-rng-pci,id=random0,bus=pcie.0,addr=0x5"],
    ...blockNodes(order).flatMap((node) => ["-blockdev", JSON.stringify(node)]),
    ...order.disks.flatMap(({ slot, graph }) => [
      "-device",
      JSON.stringify(diskDevice(slot, graph)),
    ]),
    ...boot(order),
    ...(order.memory === undefined ? [] : ["-incoming", `fd:${memoryDescriptor}`]),
  ]
}

/** Where a QEMU that goes on from a kept memory finds it, opened by us before it started. */
const memoryDescriptor = firstInherited

/**
 * Room for translated guest code. QEMU's own choice, 1 GiB, costs 200 MiB more memory for each
 * small guest, and makes a reset slow: writing a new kernel over pages whose translations are
 * still kept takes up to 5 s longer (measured with 7.2).
 */
const translatedMiB = 32

/** Names of ours and of QEMU's; a comma in one would begin another option. */
function plainName(name: string): string {
  if (!/^[\w.-]+$/.test(name)) {
    throw new Refusal({ kind: "invalid", why: `${JSON.stringify(name)} is no name of hardware` })
  }
  return name
}

/** What tells this machine's QEMU from every other process; see `adopt.ts`. */
export const identityArguments = (machine: MachineId) => ["-uuid", machine]

/** Arguments of `device_add`; on the command line the same in JSON. */
export function diskDevice(slot: number, graph: { volume: VolumeId; top: string }) {
  if (!Number.isInteger(slot) || slot < 0 || slot >= slotCount) {
    const why = `machines of this kind have ${slotCount} disk slots, numbered from 0`
    throw new Refusal({ kind: "unsupported", what: `disk slot ${slot}`, why })
  }
  return {
    driver: "virtio-blk-pci",
    id: diskId(slot),
    bus: portId(slot),
    drive: graph.top,
    serial: serialOf(graph.volume),
    ...(slot === 0 ? { bootindex: 1 } : {}),
  }
}

/** What the guest reads in `/sys/block/vdX/serial`; virtio-blk has room for 20 characters. */
export const serialOf = (volume: VolumeId) => volume.replaceAll("-", "").slice(0, 20)

/**
 * The monitor, a second one for memory streams (see `memory-stream.ts`), the agent, and the
 * console, which is logged whether anybody listens or not.
 */
function channels(machine: MachineId): string[] {
  const places = placesOf(machine)
  const socket = (id: string, path: string) => `socket,id=${id},path=${path},server=on,wait=off`
  return [
    ...["-chardev", socket("monitor", places.qmp), "-mon", "chardev=monitor,mode=control"],
    ...["-chardev", socket("memory", places.memory), "-mon", "chardev=memory,mode=control"],
    ...[
      "-chardev",
      `${socket("console", places.consoleSocket)},logfile=${places.console},logappend=on`,
    ],
    ...["-device", "isa-serial,id=console0,chardev=console"],
    ...["-device", "virtio-serial-pci,id=serial0,bus=pcie.0,addr=0x4"],
    ...["-chardev", socket("agent", places.agent)],
    ...["-device", `virtserialport,id=agent0,bus=serial0.0,nr=1,chardev=agent,name=${agentPort}`],
  ]
}

/** Disks may stand on the same storage; a node is made once, before all that stand on it. */
function blockNodes({ disks }: StartOrder): BlockNode[] {
  const nodes = new Map<string, BlockNode>()
  for (const node of disks.flatMap(({ graph }) => graph.nodes)) {
    if (!nodes.has(node["node-name"])) nodes.set(node["node-name"], node)
  }
  return [...nodes.values()]
}

function rootPorts(): string[] {
  return Array.from({ length: slotCount }, (_, slot) => {
    const addr = `0x${2 + Math.floor(slot / 8)}.${slot % 8}`
    const first = slot % 8 === 0 ? ",multifunction=on" : ""
    const port = `pcie-root-port,id=${portId(slot)},bus=pcie.0,chassis=${slot + 1}`
    return ["-device", `${port},addr=${addr}${first}`]
  }).flat()
}

function boot(order: StartOrder): string[] {
  if (order.boot === null) return []
  const { kernel, initrd } = placesOf(order.machine)
  return ["-kernel", kernel, "-initrd", initrd, "-append", order.boot.append]
}
