/** Starting a machine's QEMU, or finding that it runs. */
import { type FileHandle, stat } from "node:fs/promises"
import { join } from "node:path"
import { Refusal } from "../../domain/fault.ts"
import type { SnapshotId } from "../../domain/ids.ts"
import type { Hardware, HostProcess } from "../../domain/machine.ts"
import { isTimeout } from "../../platform/deadline.ts"
import { EndedAtOnce, endProcess, isAlive, spawnDetached } from "../../platform/process.ts"
import type { HostConfig, StartOrder } from "../host.ts"
import { type Accelerator, kvmGroup, runsUnder } from "./accelerator.ts"
import { findProcesses } from "./adopt.ts"
import { type Guest, notRunning, tailOf } from "./guest.ts"
import type { Guests } from "./guests.ts"
import { fixHardware, program } from "./installation.ts"
import { commandLine } from "./launch.ts"
import { makeRunPlaces, placesOf } from "./layout.ts"
import { MemoryFiles } from "./memory-files.ts"
import { goOnLoaded } from "./memory-load.ts"

const answersWithinMs = 60_000

export type Started = { process: HostProcess; hardware: Hardware }

export async function startMachine(
  config: HostConfig,
  guests: Guests,
  accelerator: () => Promise<Accelerator>,
  order: StartOrder,
): Promise<Started> {
  return (await findRunning(config, guests, order)) ?? startNew(config, guests, accelerator, order)
}

async function findRunning(
  config: HostConfig,
  guests: Guests,
  order: StartOrder,
): Promise<Started | undefined> {
  const all = await findProcesses(config.dataDir)
  const found = all.find(({ machine }) => machine === order.machine)
  if (found === undefined) return undefined
  const { process, machineType, cpuModel } = found
  const guest = guests.track(found)
  try {
    await guest.monitor(answersWithinMs)
    // We may have died between starting it and letting it go on.
    if (order.memory !== undefined) await goOnOrEnd(guest, order.hardware)
  } catch (cause) {
    // It was on its way out when we found it.
    if (!(await isAlive(process))) return undefined
    throw cause
  }
  return { process, hardware: { ...order.hardware, machineType, cpuModel } }
}

async function startNew(
  config: HostConfig,
  guests: Guests,
  accelerator: () => Promise<Accelerator>,
  order: StartOrder,
): Promise<Started> {
  // An order without disks is for one that was seen running: it has ended since.
  if (order.disks.length === 0) throw notRunning(order.machine)
  const places = placesOf(order.machine)
  const hardware = await fixHardware(order.hardware)
  const name = runsUnder(await accelerator(), order.memory)
  const group = name === "kvm" && config.user !== null ? await kvmGroup() : undefined
  await using memory =
    order.memory === undefined ? null : await openMemory(config, order.memory.snapshot)
  await makeRunPlaces(config, order.machine)
  const logFile = join(config.dataDir, places.log)
  const logFrom = await stat(logFile).then(
    ({ size }) => size,
    () => 0,
  )
  try {
    const identity = await spawnDetached({
      argv: commandLine(program, order, hardware, name),
      cwd: config.dataDir,
      user: config.user,
      groups: group === undefined ? [] : [group],
      logFile,
      files: memory === null ? [] : [memory.fd],
    })
    const process = { ...identity, accelerator: name }
    const guest = guests.track({ machine: order.machine, process })
    // Its end before it was ready is this verb's failure, and nobody else's news.
    guest.endExpected = true
    // It answers once it has opened all its disks, and ends itself if it cannot.
    await guest.monitor(answersWithinMs)
    if (memory !== null) await goOnOrEnd(guest, hardware)
    guest.endExpected = false
    guest.frozen = false
    return { process, hardware }
  } catch (cause) {
    if (!(cause instanceof EndedAtOnce || isStopped(cause)) || isTimeout(cause)) throw cause
    throw didNotStart(order, (await tailOf(logFile, 2_000, logFrom)).toString("utf8"))
  }
}

async function openMemory({ dataDir }: HostConfig, memory: SnapshotId): Promise<FileHandle> {
  const file = await new MemoryFiles(dataDir).open(memory)
  if (file !== undefined) return file
  const what = `the memory of snapshot ${memory}`
  throw new Refusal({ kind: "unavailable", what, remedy: "it is not kept on this node" })
}

/** One that cannot go on from its memory must not be found running, with half of it. */
async function goOnOrEnd(guest: Guest, { memoryMiB }: Hardware): Promise<void> {
  try {
    await goOnLoaded(guest, memoryMiB * 2 ** 20)
  } catch (cause) {
    guest.endExpected = true
    await endProcess(guest.process, 0)
    throw cause
  }
}

const isStopped = (cause: unknown) => cause instanceof Refusal && cause.fault.kind === "wrong-state"

/** QEMU's last words, without the time and name before each. */
function didNotStart(order: StartOrder, log: string): Refusal {
  const lines = log.trim().split("\n").slice(-5)
  const said = lines.map((line) => line.replace(/^\S+Z? ?qemu-system-x86_64: /, "")).join("; ")
  return new Refusal({
    kind: "unavailable",
    what: `machine ${order.name}`,
    remedy: `its QEMU did not start: ${said || "it ended without a word"}`,
  })
}
