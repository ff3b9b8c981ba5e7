/**
 * The host without processes, and the first one to read: machines are objects in a world that
 * outlives the host. A guest here is a shell with two commands, which read and write its disks:
 *
 *   write SLOT OFFSET TEXT      read SLOT OFFSET LENGTH      poweroff
 */
import type { DiskGraph, DiskSwitch } from "../../domain/disk.ts"
import { Refusal } from "../../domain/fault.ts"
import type { MachineId, VolumeId } from "../../domain/ids.ts"
import type { ExecResult, Host, HostConfig, StartOrder } from "../host.ts"
import { bytesOf, type HostWorld, kill, type MemoryMachine, newHostWorld } from "./world.ts"

let lastPid = 0

export async function openMemoryHost(
  _config: HostConfig,
  world: HostWorld = newHostWorld(),
): Promise<Host> {
  return failing(world, memoryHost(world))
}

function memoryHost(world: HostWorld): Host {
  const own = new Set<(machine: MachineId, why: string) => void>()
  const get = (machine: MachineId) => runningOf(world, machine)
  return {
    kind: "vm",
    can: { hotAttach: true, memory: false, quiesce: false },
    unavailable: async () => null,
    keepBootFiles: async (image, files) => void (files && world.bootFiles.add(image)),
    dropBootFiles: async (image) => void world.bootFiles.delete(image),
    prepare: async (machine) => void world.prepared.add(machine),
    async discard(machine) {
      if (world.running.has(machine)) throw new Error(`${machine} still runs`)
      world.prepared.delete(machine)
      world.consoles.delete(machine)
    },

    start: async (order) => start(world, order),
    answers: async (machine, withinMs) => expectAgent(get(machine), withinMs),
    look: async (machine) => world.running.get(machine)?.liveness ?? "gone",
    stop: async (machine) => void world.running.delete(machine),
    async reboot(machine) {
      get(machine).boots += 1
      say(world, machine, "boot")
    },

    async attach(machine, slot, graph) {
      const { disks } = get(machine)
      const held = disks.get(slot)
      if (held?.volume === graph.volume) return
      if (held !== undefined) throw new Error(`slot ${slot} holds volume ${held.volume}`)
      disks.set(slot, { volume: graph.volume, top: topOf(graph) })
    },
    diskInUse: async (machine, slot) => get(machine).disks.has(slot),
    async detach(machine, slot) {
      world.running.get(machine)?.disks.delete(slot)
    },
    async topNode(machine, volume) {
      return diskOf(get(machine), volume)?.top["node-name"] ?? null
    },
    async switchDisks(machine, switches) {
      await switchAll(get(machine), switches)
      return { pauseMs: 0, skewMs: 0 }
    },

    restack: async () => {},
    freeze: async () => 0,
    release: async () => 0,
    captureMemory: async () => {
      throw new Error("not yet")
    },
    keepMemory: async () => ({ bytes: 0 }),
    dropMemory: async () => {},
    memories: async () => new Map(),
    standstill: async () => null,
    goOn: async () => {},

    async exec(machine, argv, options) {
      const guest = get(machine)
      expectAgent(guest, options.waitForAgentMs)
      const result = runInGuest(world, machine, guest, argv)
      const limit = options.maxOutputBytes
      const truncated = result.stdout.length > limit
      return { ...result, stdout: result.stdout.subarray(0, limit), truncated }
    },
    async console(machine, lastBytes) {
      const printed = Buffer.from(world.consoles.get(machine) ?? "")
      return printed.subarray(Math.max(0, printed.length - lastBytes))
    },

    async adopt(machines) {
      return machines.map(({ id }) => id).filter((id) => world.running.has(id))
    },
    onExit(listener) {
      own.add(listener)
      world.listeners.add(listener)
    },
    async buildDemo() {
      const why = "machines of this kind exist only in memory"
      throw new Refusal({ kind: "unsupported", what: "a demo image", why })
    },
    examine: async () => [],
    async close() {
      for (const listener of own) world.listeners.delete(listener)
    },
  }
}

/** Each verb fails where the world says so, once. */
function failing(world: HostWorld, host: Host): Host {
  const fail = (verb: string, when: "before" | "after") => {
    const index = world.failures.findIndex((one) => one.verb === verb && one.when === when)
    if (index < 0) return
    world.failures.splice(index, 1)
    throw new Error(`${verb} was made to fail`)
  }
  return new Proxy(host, {
    get(target, verb: string & keyof Host) {
      const value = target[verb]
      if (typeof value !== "function" || verb === "onExit") return value
      return async (...given: never[]) => {
        fail(verb, "before")
        const result = await (value as (...given: never[]) => Promise<unknown>)(...given)
        fail(verb, "after")
        return result
      }
    },
  })
}

function start(world: HostWorld, order: StartOrder) {
  const { machineType, cpuModel } = order.hardware
  const hardware = {
    ...order.hardware,
    machineType: machineType ?? "memory-1",
    cpuModel: cpuModel ?? "memory-1",
  }
  const found = world.running.get(order.machine)
  if (found !== undefined) return { process: found.process, hardware }
  if (order.disks.length === 0) throw stopped(order.machine)
  lastPid += 1
  const process = { pid: lastPid, startTicks: lastPid, accelerator: "memory" }
  const disks = new Map(
    order.disks.map(({ slot, graph }) => [slot, { volume: graph.volume, top: topOf(graph) }]),
  )
  world.running.set(order.machine, { process, liveness: "running", disks, boots: 1, mute: false })
  say(world, order.machine, "boot")
  return { process, hardware }
}

/** All actions happen between two of the guest's writes, so at one instant. */
async function switchAll(guest: MemoryMachine, switches: readonly DiskSwitch[]): Promise<void> {
  const pending = switches.filter((one) => {
    const top = diskOf(guest, one.volume)?.top["node-name"]
    if (top === one.from) return true
    if (top === one.to) return false
    throw new Error(`volume ${one.volume} has neither ${one.from} nor ${one.to} on top`)
  })
  for (const { type, data } of pending.flatMap(({ actions }) => actions)) {
    const { apply } = data
    if (type !== "memory-snapshot" || typeof apply !== "function")
      throw new Error(`no ${type} here`)
    apply()
  }
  for (const { volume, to, nodes } of pending) {
    const disk = diskOf(guest, volume)
    const top = nodes.find((node) => node["node-name"] === to)
    if (disk !== undefined && top !== undefined) disk.top = top
  }
  for (const { whileStopped } of pending) await whileStopped?.()
}

function runInGuest(
  world: HostWorld,
  machine: MachineId,
  guest: MemoryMachine,
  [command = "", slot = "", offset = "", last = ""]: readonly string[],
): ExecResult {
  const disk = guest.disks.get(Number(slot))
  if (command === "poweroff") {
    kill(world, machine, "the guest powered off")
    return ended(0)
  }
  if (command !== "read" && command !== "write") return ended(127, "", `${command}: not found\n`)
  if (disk === undefined) return ended(1, "", `no disk in slot ${slot}\n`)
  const bytes = bytesOf(disk.top)
  if (command === "read") return ended(0, bytes.read(Number(offset), Number(last)))
  bytes.write(Number(offset), Buffer.from(last))
  return ended(0)
}

const ended = (exitCode: number, stdout: string | Uint8Array = "", stderr = ""): ExecResult => ({
  exitCode,
  stdout: Buffer.from(stdout as string),
  stderr: Buffer.from(stderr),
  truncated: false,
})

function topOf(graph: DiskGraph) {
  const top = graph.nodes.find((node) => node["node-name"] === graph.top)
  if (top === undefined) throw new Error(`the graph of ${graph.volume} lacks its top ${graph.top}`)
  return top
}

const diskOf = (guest: MemoryMachine, volume: VolumeId) =>
  [...guest.disks.values()].find((disk) => disk.volume === volume)

function runningOf(world: HostWorld, machine: MachineId): MemoryMachine {
  const guest = world.running.get(machine)
  if (guest === undefined) throw stopped(machine)
  return guest
}

function expectAgent(guest: MemoryMachine, afterMs: number): void {
  if (!guest.mute && guest.liveness === "running") return
  throw new Refusal({ kind: "timeout", what: "the guest agent", afterMs })
}

const stopped = (id: MachineId) =>
  new Refusal({ kind: "wrong-state", what: "machine", id, is: "stopped", needs: ["running"] })

const say = (world: HostWorld, machine: MachineId, line: string) =>
  world.consoles.set(machine, `${world.consoles.get(machine) ?? ""}${line}\n`)
