/** Turning a machine on and off, as steps of several sagas do it. */
import { Refusal } from "../domain/fault.ts"
import type { MachineId } from "../domain/ids.ts"
import type { Hardware, HostProcess, Machine } from "../domain/machine.ts"
import type { Volume } from "../domain/volume.ts"
import type { KeptMemory, Liveness } from "../hosts/host.ts"
import type { Rooms } from "../ledger/ledger.ts"
import { changeUnlessLeaving } from "./leaving.ts"
import type { Tools } from "./tools.ts"

export async function machineOf(tools: Tools, id: MachineId): Promise<Machine> {
  const machine = await tools.read.machines.get(id)
  if (machine === undefined) throw new Refusal({ kind: "not-found", what: "machine", id })
  return machine
}

export async function disksOf(tools: Tools, id: MachineId): Promise<Volume[]> {
  const volumes = await tools.read.volumes.find({ machineId: id })
  return volumes.sort((a, b) => (a.slot ?? 0) - (b.slot ?? 0))
}

export async function livenessOf(tools: Tools, id: MachineId): Promise<Liveness> {
  const machine = await machineOf(tools, id)
  return await tools.host(machine.kind).look(id)
}

/** Each time takes as long as the host gives a process to answer in. */
const timesAsked = 4

/**
 * For those who end a machine that hangs: on a busy node a process does not answer for a while,
 * and its guest is well. So one is hung only where it was asked again and again, for a minute.
 */
export async function provenLivenessOf(tools: Tools, id: MachineId): Promise<Liveness> {
  let liveness = await livenessOf(tools, id)
  for (let asked = 1; liveness === "hung" && asked < timesAsked; asked += 1) {
    tools.signal.throwIfAborted()
    tools.report(0, "asking whether it hangs")
    liveness = await livenessOf(tools, id)
  }
  return liveness
}

export type Started = { process: HostProcess; hardware: Hardware }

/**
 * Starts the machine, or finds it running. Its volumes are opened only when it is proven off:
 * opening applies the recovery rule, which would be wrong under a process that has them open.
 * With a memory it goes on from there.
 */
export async function turnOn(tools: Tools, id: MachineId, memory?: KeptMemory): Promise<Started> {
  const machine = await machineOf(tools, id)
  const host = tools.host(machine.kind)
  const order = {
    machine: id,
    name: machine.name,
    hardware: machine.hardware,
    boot: machine.boot,
    ...(memory === undefined ? {} : { memory }),
  }
  if ((await provenLivenessOf(tools, id)) === "hung") await host.stop(id, 0)
  if ((await host.look(id)) !== "gone") return await host.start({ ...order, disks: [] })
  const missing = await host.unavailable()
  if (missing !== null) throw new Refusal({ kind: "unavailable", ...missing })
  using opened = new DisposableStack()
  const disks = []
  for (const volume of await disksOf(tools, id)) {
    // Promised to the machine after this was accepted: its own attach, queued behind us, brings it.
    const [holder] = await tools.read.operations.holding(volume.id)
    if (holder?.id !== tools.operationId) continue
    const graph = opened.use(await tools.engine(volume.engine).open(volume.id))
    disks.push({ slot: volume.slot ?? 0, graph })
  }
  tools.report(0.1, "starting")
  return await host.start({ ...order, disks })
}

export async function turnOff(tools: Tools, id: MachineId, graceMs: number): Promise<void> {
  const machine = await tools.read.machines.get(id)
  if (machine === undefined) return
  await tools.host(machine.kind).stop(id, graceMs)
}

export async function awaitAnswer(tools: Tools, id: MachineId): Promise<void> {
  const machine = await machineOf(tools, id)
  tools.report(0.3, "waiting for the guest to answer")
  const answered = tools.host(machine.kind).answers(id, tools.limits.bootMs)
  await unlessAborted(answered, tools.signal)
}

/** For a wait that may be left alone: nobody minds whether it ends, or how. */
async function unlessAborted(waiting: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<never>()
  const abort = () => aborted.reject(signal.reason)
  signal.addEventListener("abort", abort, { once: true })
  waiting.catch(() => {})
  try {
    signal.throwIfAborted()
    await Promise.race([waiting, aborted.promise])
  } finally {
    signal.removeEventListener("abort", abort)
  }
}

export const recordOn = (rooms: Rooms, id: MachineId, { process, hardware }: Started) =>
  changeUnlessLeaving(rooms.machines, id, { state: "running", process, hardware, reason: null })

/** Accepts a machine that is gone from the ledger, or on its way out of it. */
export async function recordOff(rooms: Rooms, id: MachineId): Promise<void> {
  const machine = await rooms.machines.get(id)
  if (machine === undefined || machine.state === "deleting" || machine.state === "failed") return
  await rooms.machines.change(id, { state: "stopped", process: null })
}
