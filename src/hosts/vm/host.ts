/**
 * Machines as QEMU processes. One process is one machine; it runs as the service user inside
 * QEMU's sandbox, outlives us, and is found again by its command line. Nothing is remembered
 * here that the process itself does not know.
 */
import { oneAtATime } from "../../platform/one-at-a-time.ts"
import type { Host, HostConfig } from "../host.ts"
import { type Accelerator, acceleratorOf } from "./accelerator.ts"
import { findProcesses } from "./adopt.ts"
import { discardMachine, dropBootFiles, keepBootFiles, prepareMachine } from "./boot-files.ts"
import { consoleTail, trimConsole, trimEveryMs } from "./console.ts"
import { buildDemoImage } from "./demo-image/build.ts"
import { attachDisk, detachDisk, switchAll, topNodeOf } from "./disks.ts"
import { diskInUse } from "./driver.ts"
import { examineMachines } from "./examine.ts"
import { execThroughAgent } from "./exec.ts"
import { freezeGuest, releaseGuest } from "./freeze.ts"
import { Guests } from "./guests.ts"
import { missing } from "./installation.ts"
import { makeRooms } from "./layout.ts"
import { isLost } from "./lost.ts"
import { memoryVerbs } from "./memory.ts"
import { agentAnswers, lookAt, powerOff, restart } from "./power.ts"
import { restackGuests } from "./restack.ts"
import { goOn, standstillOf } from "./standstill.ts"
import { startMachine } from "./start.ts"

export async function openVmHost(config: HostConfig): Promise<Host> {
  const { dataDir } = config
  await makeRooms(dataDir)
  const guests = new Guests(dataDir)
  const accelerator = acceleratorOf(config)
  const trimming = setInterval(() => {
    for (const { machine } of guests.all()) trimConsole(dataDir, machine).catch(() => {})
  }, trimEveryMs)
  trimming.unref()

  return {
    kind: "vm",
    can: { hotAttach: true, memory: true, quiesce: true },
    unavailable: missing,
    ...filesOf(dataDir, guests),
    ...powerOf(config, guests, accelerator),
    ...disksOf(guests),
    ...holdsOf(guests),
    ...memoryVerbs(config, guests),

    exec: async (machine, argv, options) =>
      execThroughAgent(await guests.get(machine), argv, options),
    console: (machine, lastBytes) => consoleTail(dataDir, machine, lastBytes),

    async adopt(machines) {
      const wanted = new Set(machines.map(({ id }) => id))
      const found = (await findProcesses(dataDir)).filter(({ machine }) => wanted.has(machine))
      return found.map((one) => guests.track(one).machine)
    },
    onExit: (listener) => guests.onExit(listener),

    buildDemo: buildDemoImage,
    examine: (known) => examineMachines(config, guests, accelerator, known),
    async close() {
      clearInterval(trimming)
      guests.close()
    },
  }
}

const filesOf = (dataDir: string, guests: Guests) =>
  ({
    keepBootFiles: (image, files) => keepBootFiles(dataDir, image, files),
    dropBootFiles: (image) => dropBootFiles(dataDir, image),
    prepare: (machine, image) => prepareMachine(dataDir, machine, image),
    async discard(machine) {
      if ((await guests.find(machine)) !== undefined) throw new Error(`${machine} still runs`)
      await discardMachine(dataDir, machine)
    },
  }) satisfies Partial<Host>

function powerOf(config: HostConfig, guests: Guests, accelerator: () => Promise<Accelerator>) {
  const startTurn = oneAtATime()
  return {
    start: (order) => startTurn(() => startMachine(config, guests, accelerator, order)),
    answers: async (machine, withinMs) => agentAnswers(await guests.get(machine), withinMs),
    async look(machine) {
      const guest = await guests.find(machine)
      return guest === undefined ? "gone" : lookAt(guest)
    },
    async lost(machine) {
      const guest = await guests.find(machine)
      return guest !== undefined && (await isLost(guest))
    },
    async stop(machine, graceMs) {
      const guest = await guests.find(machine)
      if (guest !== undefined) await powerOff(guest, graceMs)
    },
    reboot: async (machine, graceMs) => restart(await guests.get(machine), graceMs),
  } satisfies Partial<Host>
}

const disksOf = (guests: Guests) =>
  ({
    async attach(machine, slot, graph) {
      const guest = await guests.get(machine)
      await guest.disksTurn(() => attachDisk(guest, slot, graph))
    },
    diskInUse: async (machine, slot, withinMs) =>
      diskInUse(await guests.get(machine), slot, withinMs),
    async detach(machine, slot) {
      // A process that is gone has let go of everything.
      const guest = await guests.find(machine)
      await guest?.disksTurn(() => detachDisk(guest, slot))
    },
    async topNode(machine, volume) {
      const guest = await guests.get(machine)
      return guest.disksTurn(() => topNodeOf(guest, volume))
    },
    async switchDisks(machine, switches) {
      const guest = await guests.get(machine)
      return guest.disksTurn(() => switchAll(guest, switches))
    },
    restack: (restack) => restackGuests(guests, restack),
  }) satisfies Partial<Host>

/** A machine that is gone has nothing that could hold it, and nothing to let go of. */
const holdsOf = (guests: Guests) =>
  ({
    freeze: async (machine) => freezeGuest(await guests.get(machine)),
    async release(machine) {
      const guest = await guests.find(machine)
      return guest === undefined ? 0 : releaseGuest(guest)
    },
    async standstill(machine) {
      const guest = await guests.find(machine)
      return guest === undefined ? null : standstillOf(guest)
    },
    async goOn(machine) {
      const guest = await guests.find(machine)
      if (guest !== undefined) await goOn(guest)
    },
  }) satisfies Partial<Host>
