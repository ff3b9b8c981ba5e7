/**
 * Actions on volumes and snapshots. States here are what is true, and mend themselves: one that
 * is claimed already is accepted, any other is refused. Attaching means a real machine.
 */
import { no, ok, type Result } from "../../../domain/fault.ts"
import { type MachineId, parseId } from "../../../domain/ids.ts"
import type { Answer } from "../../face.ts"
import { type Body, isBody } from "../formats.ts"
import { snapshotWords, volumeWords } from "../states.ts"
import { type Asked, accepted, type V1Route } from "./route.ts"
import { findSnapshot, idOf } from "./snapshots.ts"
import { findVolume, removal, volumeIdOf } from "./volumes.ts"

type Act = (asked: Asked, wish: Body) => Promise<Result<Answer>>
type Action = { forAdmin: boolean; act: Act }

const forSnapshots: Readonly<Record<string, Action>> = {
  "os-reset_status": { forAdmin: true, act: claimSnapshotStatus },
  "os-update_snapshot_status": { forAdmin: true, act: claimSnapshotStatus },
  "os-force_delete": { forAdmin: true, act: removeSnapshot },
}

const forVolumes: Readonly<Record<string, Action>> = {
  "os-reset_status": { forAdmin: true, act: claimVolumeStatus },
  "os-force_delete": { forAdmin: true, act: removeVolume },
  "os-attach": { forAdmin: false, act: attach },
  "os-detach": { forAdmin: false, act: detach },
}

export const actionRoutes: readonly V1Route[] = [
  { method: "POST", path: "/snapshots/:id/action", answer: (asked) => run(asked, forSnapshots) },
  { method: "POST", path: "/volumes/:id/action", answer: (asked) => run(asked, forVolumes) },
]

async function run(asked: Asked, actions: Readonly<Record<string, Action>>) {
  const [name = ""] = Object.keys(asked.body ?? {})
  const action = Object.hasOwn(actions, name) ? actions[name] : undefined
  if (action === undefined) {
    return asked.refuse(400, `There is no such action: ${name.slice(0, 64)}`)
  }
  if (action.forAdmin && asked.who.role !== "admin") {
    return asked.refuse(403, `Policy doesn't allow ${name} to be performed.`)
  }
  const wish = asked.body?.[name]
  return action.act(asked, isBody(wish) ? wish : {})
}

async function claimSnapshotStatus(asked: Asked, wish: Body): Promise<Result<Answer>> {
  const found = await findSnapshot(asked)
  return found.ok ? claim(asked, wish, snapshotWords[found.value.snapshot.state]) : found
}

async function claimVolumeStatus(asked: Asked, wish: Body): Promise<Result<Answer>> {
  const found = await findVolume(asked)
  return found.ok ? claim(asked, wish, volumeWords[found.value.state]) : found
}

function claim(asked: Asked, wish: Body, is: string): Result<Answer> {
  const status = wish["status"]
  if (typeof status !== "string") return asked.refuse(400, "Must specify a valid status")
  if (status.toLowerCase() === is) return ok(accepted)
  return asked.refuse(400, `Invalid status ${status.slice(0, 64)}: it is ${is}, and is kept true.`)
}

async function removeSnapshot(asked: Asked): Promise<Result<Answer>> {
  const id = idOf(asked)
  if (!id.ok) return id
  const started = await asked.core.snapshots.removePoint(asked.asking, id.value)
  return started.ok ? ok(accepted) : started
}

async function removeVolume(asked: Asked): Promise<Result<Answer>> {
  const id = volumeIdOf(asked)
  if (!id.ok) return id
  const started = await asked.core.volumes.remove(asked.asking, id.value, removal)
  return started.ok ? ok(accepted) : started
}

async function attach(asked: Asked, wish: Body): Promise<Result<Answer>> {
  const id = volumeIdOf(asked)
  if (!id.ok) return id
  const text = typeof wish["instance_uuid"] === "string" ? wish["instance_uuid"] : ""
  const machine = parseId<"machine">(text)
  if (machine === undefined) return asked.refuse(400, "Must specify a valid instance_uuid")
  const started = await asked.core.machines.attach(asked.asking, machine, id.value)
  return started.ok ? ok(accepted) : started
}

async function detach(asked: Asked): Promise<Result<Answer>> {
  const found = await findVolume(asked)
  if (!found.ok) return found
  const { id, state, machineId } = found.value
  const machine: MachineId | null = machineId
  if (machine === null) {
    return no({ kind: "wrong-state", what: "volume", id, is: state, needs: ["in-use"] })
  }
  const started = await asked.core.machines.detach(asked.asking, machine, id)
  return started.ok ? ok(accepted) : started
}
