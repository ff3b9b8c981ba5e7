/** Taking points with a running guest's help, and letting it go again. */
import { Refusal } from "../../domain/fault.ts"
import type { MachineId, SnapshotId } from "../../domain/ids.ts"
import type { Consistency, ConsistencyLabel } from "../../domain/snapshot.ts"
import type { SwitchFacts } from "../../hosts/host.ts"
import { type SwitchBy, takeEverywhere, type WantedPoint } from "../points.ts"
import { disksOf, livenessOf, machineOf } from "../power.ts"
import type { Tools } from "../tools.ts"

type Holding = {
  snapshotId: SnapshotId
  machineId: MachineId
  points: readonly WantedPoint[]
  memory: boolean
  mustRun?: boolean
  until: number
}

export type Taken = {
  consistency: Consistency
  /** Memory is being written, and is not safe yet. */
  captured: boolean
  /** False: the guest did not answer when it was to go on; it is asked again until it does. */
  released: boolean
}

/** What came of asking the guest; filled in as it happens. */
type Achieved = {
  label: ConsistencyLabel
  freezeMs: number
  captured: boolean
  released: boolean
  notes: string[]
}

export async function takeHolding(tools: Tools, order: Holding): Promise<Taken> {
  const { machineId, snapshotId, points, until, memory, mustRun = false } = order
  const achieved: Achieved = {
    label: "crash",
    freezeMs: 0,
    captured: false,
    released: true,
    notes: [],
  }
  tools.report(0.1, memory ? "keeping memory and disks" : "freezing file systems")
  const isOff = (await livenessOf(tools, machineId)) === "gone"
  // Where it died under an earlier try of ours, a file may wait for a stream that never comes.
  if (isOff && memory) await dropMemory(tools, machineId, snapshotId)
  if (isOff && mustRun) throw isNotRunning(machineId, memory)
  if (isOff) achieved.notes.push("the machine was off, so its guest had no part in it")
  else if (await areTaken(tools, points)) return await takenBefore(tools, order)
  else if (await isOverdue(tools, machineId, until)) throw tooLate()
  if (memory && !isOff) await mustCoverAllDisks(tools, machineId, points)
  const switchBy = memory ? withMemory(order, achieved) : withFrozenFiles(achieved)
  const overdue = () => void letGo(tools, machineId).catch(() => {})
  const timer = setTimeout(overdue, Math.max(0, until - tools.clock()))
  try {
    const facts = await takeEverywhere(tools, points, { machineId, switchBy })
    if (mustRun && memory && !achieved.captured) throw isNotRunning(machineId, memory)
    if (!isOff && achieved.notes.length === 0 && achieved.label === "crash") {
      achieved.notes.push("the machine ended while the snapshot was being taken")
    }
    return taken(facts, achieved)
  } finally {
    clearTimeout(timer)
  }
}

/** No `exec` and no agent is asked meanwhile: the host sees to that. */
function withFrozenFiles(achieved: Achieved): SwitchBy {
  return async (host, machineId, switches) => {
    let frozen = 0
    const began = performance.now()
    try {
      frozen = await host.freeze(machineId)
      if (frozen === 0) achieved.notes.push("the guest has no file systems that can be frozen")
    } catch (cause) {
      if (!(cause instanceof Refusal)) throw cause
      achieved.notes.push(`the guest did not freeze its file systems: ${cause.message}`)
    }
    try {
      return await host.switchDisks(machineId, switches)
    } finally {
      const still = await host.release(machineId).catch(() => null)
      achieved.released = still !== null
      if (frozen > 0) achieved.freezeMs = performance.now() - began
      if (frozen > 0 && still === frozen) achieved.label = "filesystem"
      else if (frozen > 0) achieved.notes.push("the guest did not stay frozen until it was let go")
    }
  }
}

function withMemory({ snapshotId }: Holding, achieved: Achieved): SwitchBy {
  return async (host, machineId, switches) => {
    const { note, ...facts } = await host.captureMemory(machineId, snapshotId, switches)
    achieved.label = "memory"
    achieved.captured = true
    if (note !== null) achieved.notes.push(note)
    return facts
  }
}

/** A memory knows every disk the guest had: one that is not covered could not come back with it. */
async function mustCoverAllDisks(
  tools: Tools,
  machineId: MachineId,
  points: readonly WantedPoint[],
): Promise<void> {
  const { kind } = await machineOf(tools, machineId)
  const covered = new Set(points.map(({ volumeId }) => volumeId))
  for (const { id } of await disksOf(tools, machineId)) {
    if (covered.has(id) || (await tools.host(kind).topNode(machineId, id)) === null) continue
    const by = [{ kind: "machine", id: machineId }] as const
    const hint = "it was attached while the snapshot waited for its turn; take the snapshot again"
    throw new Refusal({ kind: "in-use", what: "volume", id, by, hint })
  }
}

async function areTaken(tools: Tools, points: readonly WantedPoint[]): Promise<boolean> {
  for (const { engine, pointId } of points) {
    if (!(await tools.engine(engine).hasPoint(pointId))) return false
  }
  return true
}

/** We died between taking it and writing down how it went: nothing is claimed that is not known. */
async function takenBefore(tools: Tools, { memory, machineId }: Holding): Promise<Taken> {
  const note = "the service was restarted in the middle; how long the guest stood is not known"
  const label = memory ? "memory" : "crash"
  return {
    consistency: { label, pauseMs: 0, freezeMs: 0, skewMs: 0, note },
    captured: memory,
    released: memory || (await letGo(tools, machineId)),
  }
}

function taken({ pauseMs, skewMs }: SwitchFacts, achieved: Achieved): Taken {
  const { label, notes, captured, released } = achieved
  const freezeMs = Math.round(achieved.freezeMs * 1000) / 1000
  const note = notes.length === 0 ? null : notes.join("; ")
  return { consistency: { label, pauseMs, freezeMs, skewMs, note }, captured, released }
}

/** Past its time, or let go by a restart of ours: it must not be held with nobody knowing. */
async function isOverdue(tools: Tools, machineId: MachineId, until: number): Promise<boolean> {
  const { held } = await machineOf(tools, machineId)
  return held?.operationId !== tools.operationId || tools.clock() > until
}

function isNotRunning(id: MachineId, memory: boolean): Refusal {
  const is = memory ? "off, with no memory to keep" : "off"
  return new Refusal({ kind: "wrong-state", what: "machine", id, is, needs: ["running"] })
}

const tooLate = () =>
  new Refusal({ kind: "interrupted", what: "the snapshot, with its guest held still," })

/** False for a guest that does not answer: it may be held still, and must be asked again. */
export async function letGo(tools: Tools, machineId: MachineId): Promise<boolean> {
  const machine = await tools.read.machines.get(machineId)
  if (machine === undefined) return true
  const host = tools.host(machine.kind)
  const liveness = await host.look(machineId)
  if (liveness === "gone" || liveness === "hung") return liveness === "gone"
  return await host.release(machineId).then(
    () => true,
    () => false,
  )
}

export async function dropMemory(
  tools: Tools,
  machineId: MachineId,
  memory: SnapshotId,
): Promise<void> {
  const machine = await tools.read.machines.get(machineId)
  if (machine !== undefined) await tools.host(machine.kind).dropMemory(memory)
}
