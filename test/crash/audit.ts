/** What must be true of any world at rest, whatever happened in it. */
import { hasEnded } from "../../src/domain/operation.ts"
import type { Stage } from "./stage.ts"

export async function audit({ making, service, host, who }: Stage): Promise<void> {
  const { ledger } = making
  const wrong: string[] = []
  for (const operation of await ledger.read.operations.find({})) {
    if (!hasEnded(operation.state)) wrong.push(`${operation.kind} is ${operation.state}`)
  }
  for (const snapshot of await ledger.read.snapshots.find({})) {
    if (!["ready", "failed"].includes(snapshot.state)) wrong.push(`a snapshot is ${snapshot.state}`)
    const points = await ledger.read.points.find({ snapshotId: snapshot.id })
    if (snapshot.state === "failed" && points.length > 0) wrong.push("a failed snapshot has points")
    for (const point of points) {
      if (await service.core.snapshots.get(who, snapshot.id).then((got) => !got.ok)) {
        wrong.push(`the point ${point.id} cannot be seen`)
      }
    }
  }
  const memories = new Set<string>((await host.memories()).keys())
  const known = (await ledger.read.snapshots.find({})).filter((each) => each.memoryBytes !== null)
  for (const { id } of known) if (!memories.delete(id)) wrong.push("a memory is lost")
  if (memories.size > 0) wrong.push("a memory is left over")
  for (const volume of await ledger.read.volumes.find({})) {
    if (!["available", "in-use", "failed"].includes(volume.state)) {
      wrong.push(`a volume is ${volume.state}`)
    }
    if ((volume.machineId === null) === (volume.state === "in-use")) {
      wrong.push(`a volume is ${volume.state} with machine ${volume.machineId}`)
    }
  }
  for (const machine of await ledger.read.machines.find({})) {
    if (!["running", "stopped", "failed"].includes(machine.state)) {
      wrong.push(`a machine is ${machine.state}`)
    }
    if (machine.held !== null) wrong.push("a machine is held")
    if ((await host.standstill(machine.id)) !== null) wrong.push("a guest stands still")
    const liveness = await host.look(machine.id)
    if ((machine.state === "running") !== (liveness === "running")) {
      wrong.push(`a machine is ${machine.state} and its process is ${liveness}`)
    }
  }
  for (const file of (await making.strays?.()) ?? []) wrong.push(`a machine has ${file} open`)
  const findings = await service.core.house.doctor(who, { fix: false, rebuild: false })
  if (!findings.ok) wrong.push("doctor refuses")
  else wrong.push(...findings.value.filter((each) => each.severity === "wrong").map((f) => f.what))
  if (wrong.length > 0) throw new Error(wrong.join("; "))
}
