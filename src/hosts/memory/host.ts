/**
 * The host without processes, and the first one to read: machines are objects in a world that
 * outlives the host. A guest here is a shell with a few commands; see `guest.ts`.
 */
import { Refusal } from "../../domain/fault.ts"
import type { MachineId } from "../../domain/ids.ts"
import type { Host, HostConfig, StartOrder } from "../host.ts"
import { diskOf, restackAll, switchAll, topOf } from "./disks.ts"
import { expectAgent, expectThawed, freeze, runInGuest } from "./guest.ts"
import { captureMemory, keepMemory, memoryFor, release } from "./keeping.ts"
import { type HostWorld, type MemoryMachine, memoryBytes, newHostWorld, resume } from "./world.ts"

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
    can: { hotAttach: true, memory: true, quiesce: true },
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
    lost: async (machine) => world.running.get(machine)?.liveness === "hung",
    stop: async (machine) => void world.running.delete(machine),
    async reboot(machine) {
      const guest = get(machine)
      Object.assign(guest, { boots: guest.boots + 1, frozen: false, remembered: "" })
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

    restack: async (restack) => restackAll(world, restack),

    ...holdsOf(world),

    async exec(machine, argv, options) {
      const guest = get(machine)
      expectThawed(guest)
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

/** Guests held still, their memory kept, and what lets them go on. */
const holdsOf = (world: HostWorld) =>
  ({
    freeze: async (machine) => freeze(runningOf(world, machine)),
    async release(machine) {
      const guest = world.running.get(machine)
      return guest === undefined ? 0 : release(world, guest)
    },
    captureMemory: (machine, memory, switches) =>
      captureMemory(world, { id: machine, guest: runningOf(world, machine) }, memory, switches),
    keepMemory: (_, memory, watch) => keepMemory(world, memory, watch),
    dropMemory: async (memory) => void world.memories.delete(memory),
    memories: async () => new Map([...world.memories].map(([id, kept]) => [id, memoryBytes(kept)])),

    standstill: async (machine) => world.running.get(machine)?.standstill ?? null,
    async goOn(machine) {
      const guest = world.running.get(machine)
      if (guest?.standstill === "no-space") resume(guest)
    },
  }) satisfies Partial<Host>

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
  const kept = order.memory === undefined ? null : memoryFor(world, order.memory.snapshot)
  lastPid += 1
  const process = { pid: lastPid, startTicks: lastPid, accelerator: "memory" }
  const disks = new Map(
    order.disks.map(({ slot, graph }) => [slot, { volume: graph.volume, top: topOf(graph) }]),
  )
  world.running.set(order.machine, {
    ...{ process, liveness: "running", disks, mute: false, frozen: false, standstill: null },
    boots: kept?.boots ?? 1,
    remembered: kept?.remembered ?? "",
  })
  if (kept === null) say(world, order.machine, "boot")
  return { process, hardware }
}

function runningOf(world: HostWorld, machine: MachineId): MemoryMachine {
  const guest = world.running.get(machine)
  if (guest === undefined) throw stopped(machine)
  return guest
}

const stopped = (id: MachineId) =>
  new Refusal({ kind: "wrong-state", what: "machine", id, is: "stopped", needs: ["running"] })

const say = (world: HostWorld, machine: MachineId, line: string) =>
  world.consoles.set(machine, `${world.consoles.get(machine) ?? ""}${line}\n`)
