/** What several sagas do with points: take them of a machine that may be running, drop them. */

import type { DiskSwitch } from "../domain/disk.ts"
import type { MachineId, PointId, SnapshotId, VolumeId } from "../domain/ids.ts"
import type { Host, SwitchFacts } from "../hosts/host.ts"
import { machineOf } from "./power.ts"
import type { Tools } from "./tools.ts"

export type WantedPoint = { volumeId: VolumeId; pointId: PointId; engine: string }

export async function dropPoints(
  tools: Tools,
  points: readonly { pointId: PointId; engine: string }[],
): Promise<void> {
  for (const [index, point] of points.entries()) {
    await tools.engine(point.engine).dropPoint(point.pointId)
    tools.report((index + 1) / points.length)
  }
}

const unheld: SwitchFacts = { pauseMs: 0, skewMs: 0 }

/** What snapshots kept of guests' memory goes; most never kept any. */
export async function dropMemories(tools: Tools, snapshots: readonly SnapshotId[]): Promise<void> {
  for (const host of tools.hosts) {
    for (const id of snapshots) await host.dropMemory(id)
  }
}

/** How the open disks of a running machine are switched: plainly, or with its guest's help. */
export type SwitchBy = (
  host: Host,
  machineId: MachineId,
  switches: readonly DiskSwitch[],
) => Promise<SwitchFacts>

const plainly: SwitchBy = (host, machineId, switches) => host.switchDisks(machineId, switches)

/**
 * Takes all points, those of each machine at one instant. A volume may have been attached or
 * detached while this waited, so it is asked now who has it.
 */
export async function takeEverywhere(
  tools: Tools,
  points: readonly WantedPoint[],
  special?: { machineId: MachineId; switchBy: SwitchBy },
): Promise<SwitchFacts> {
  const facts: SwitchFacts[] = []
  for (const [machineId, ofMachine] of await byMachine(tools, points)) {
    const switchBy = machineId === special?.machineId ? special?.switchBy : undefined
    facts.push(await takePoints(tools, machineId, ofMachine, switchBy))
  }
  const longest = (times: number[]) => Math.round(Math.max(...times) * 1000) / 1000
  return {
    pauseMs: longest(facts.map((fact) => fact.pauseMs)),
    skewMs: longest(facts.map((fact) => fact.skewMs)),
  }
}

export async function untakeEverywhere(
  tools: Tools,
  points: readonly WantedPoint[],
): Promise<void> {
  for (const [machineId, ofMachine] of await byMachine(tools, points)) {
    await untakePoints(tools, machineId, ofMachine)
  }
}

async function byMachine(
  tools: Tools,
  points: readonly WantedPoint[],
): Promise<Map<MachineId | null, WantedPoint[]>> {
  const owners = new Map<PointId, MachineId | null>()
  for (const { pointId, volumeId } of points) {
    owners.set(pointId, (await tools.read.volumes.get(volumeId))?.machineId ?? null)
  }
  return Map.groupBy(points, ({ pointId }) => owners.get(pointId) ?? null)
}

/** Takes all points at one instant where a process has the disks open, one by one where none has. */
async function takePoints(
  tools: Tools,
  machineId: MachineId | null,
  points: readonly WantedPoint[],
  switchBy: SwitchBy = plainly,
): Promise<SwitchFacts> {
  const there = await Promise.all(
    points.map((point) => tools.engine(point.engine).hasPoint(point.pointId)),
  )
  const missing = points.filter((_, index) => !there[index])
  if (missing.length === 0) return unheld
  const machine = machineId === null ? null : await machineOf(tools, machineId)
  const host = machine === null ? null : tools.host(machine.kind)
  if (host === null || machineId === null) return await takeClosed(tools, missing)
  if ((await host.look(machineId)) === "gone") return await takeClosed(tools, missing)
  const [open, closed]: [WantedPoint[], WantedPoint[]] = [[], []]
  for (const point of missing) {
    const top = await host.topNode(machineId, point.volumeId)
    ;(top === null ? closed : open).push(point)
  }
  // Promised to the machine, and not given to it yet.
  await takeClosed(tools, closed)
  try {
    return open.length === 0 ? unheld : await takeOpen(tools, { host, machineId, switchBy }, open)
  } catch (cause) {
    // The machine may have died under the switch. If it is proven gone, what its disks hold now
    // is the point; the engine's recovery rule keeps every write that was acknowledged.
    if ((await host.look(machineId)) !== "gone") throw cause
    return await takeClosed(tools, missing)
  }
}

async function takeClosed(tools: Tools, points: readonly WantedPoint[]): Promise<SwitchFacts> {
  for (const { engine, volumeId, pointId } of points) {
    await tools.engine(engine).createPoint(volumeId, pointId)
  }
  return unheld
}

async function takeOpen(
  tools: Tools,
  { host, machineId, switchBy }: { host: Host; machineId: MachineId; switchBy: SwitchBy },
  points: readonly WantedPoint[],
): Promise<SwitchFacts> {
  const switches = []
  for (const { engine: name, volumeId } of points) {
    const engine = tools.engine(name)
    const armed = await engine.arm(volumeId)
    const leftOver = (await host.topNode(machineId, volumeId)) === armed.to
    // An earlier switch that nobody recorded: its instant is not ours.
    if (leftOver) await engine.switched([{ volume: volumeId, point: null }])
    switches.push(leftOver ? await engine.arm(volumeId) : armed)
  }
  const facts = await switchBy(host, machineId, switches)
  for (const [engine, ofEngine] of Map.groupBy(points, (point) => point.engine)) {
    const volumes = ofEngine.map(({ volumeId, pointId }) => ({ volume: volumeId, point: pointId }))
    await tools.engine(engine).switched(volumes)
  }
  return facts
}

/**
 * Takes points back. A disk that was switched stays switched, which nobody can see: its engine
 * is only told that what the old head held has no name.
 */
async function untakePoints(
  tools: Tools,
  machineId: MachineId | null,
  points: readonly WantedPoint[],
): Promise<void> {
  const machine = machineId === null ? undefined : await tools.read.machines.get(machineId)
  const host = machine === undefined ? null : tools.host(machine.kind)
  for (const { engine: name, volumeId, pointId } of points) {
    const engine = tools.engine(name)
    if (await engine.hasPoint(pointId)) {
      await engine.dropPoint(pointId)
      continue
    }
    if (host === null || machine === undefined) continue
    // One that hangs will be killed before anything else is done to it, and the recovery rule
    // will settle its disks.
    if (["gone", "hung"].includes(await host.look(machine.id))) continue
    const { to } = await engine.arm(volumeId)
    if ((await host.topNode(machine.id, volumeId)) === to) {
      await engine.switched([{ volume: volumeId, point: null }])
    }
  }
}
