/**
 * Actions on volumes and snapshots. States mend themselves here; one that the administrator sets
 * is told in their stead until the truth changes. Attaching means a real machine.
 */
import type { ClaimingChange } from "../../../core/core.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import { type MachineId, parseId } from "../../../domain/ids.ts"
import type { Answer } from "../../face.ts"
import { type Body, isBody } from "../formats.ts"
import { snapshotState, statusOf, volumeState } from "../states.ts"
import { type Asked, accepted, type V1Route } from "./route.ts"
import { findSnapshot, idOf } from "./snapshots.ts"
import { findVolume, removal, volumeIdOf } from "./volumes.ts"
import { wordOf } from "./words.ts"

type Act = (asked: Asked, wish: Body) => Promise<Result<Answer>>
type Action = { forAdmin: boolean; act: Act }

const forSnapshots: Readonly<Record<string, Action>> = {
  "os-reset_status": { forAdmin: true, act: resetSnapshot },
  "os-update_snapshot_status": { forAdmin: true, act: updateSnapshot },
  "os-force_delete": { forAdmin: true, act: removeSnapshot },
}

const forVolumes: Readonly<Record<string, Action>> = {
  "os-reset_status": { forAdmin: true, act: resetVolume },
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

async function resetSnapshot(asked: Asked, wish: Body): Promise<Result<Answer>> {
  const status = readStatus(wish, snapshotStatuses)
  if (status === undefined) return asked.refuse(400, "Must specify a valid status")
  return await claimOfSnapshot(asked, { is: snapshotState(status) ?? status })
}

/** As a driver tells how far it is, with words that may follow each other. */
async function updateSnapshot(asked: Asked, wish: Body): Promise<Result<Answer>> {
  const found = await findSnapshot(asked)
  if (!found.ok) return found
  const current = statusOf(found.value.snapshot)
  const status = wordOf(wish["status"] ?? "").toLowerCase()
  if (!(following[current] ?? []).includes(status)) {
    const why = `Provided snapshot status ${status.slice(0, 64)} not allowed for snapshot with status ${current}.`
    return asked.refuse(400, why)
  }
  const progress = wish["progress"] ?? ""
  if (progress !== "" && !/^(100|\d{1,2})%$/.test(wordOf(progress))) {
    return asked.refuse(400, "progress must be an integer percentage")
  }
  const more = progress === "" ? {} : { progress: wordOf(progress) }
  return await claimOfSnapshot(asked, { is: snapshotState(status) ?? status, ...more })
}

async function claimOfSnapshot(
  asked: Asked,
  claim: ClaimingChange["claim"] & object,
): Promise<Result<Answer>> {
  const found = await findSnapshot(asked)
  if (!found.ok) return found
  const { id } = found.value.snapshot
  const changed = await asked.core.snapshots.change(asked.asking, id, { claim })
  return changed.ok ? ok(accepted) : changed
}

async function resetVolume(asked: Asked, wish: Body): Promise<Result<Answer>> {
  const status = readStatus(wish, volumeStatuses)
  if (status === undefined) return asked.refuse(400, "Must specify a valid status")
  const id = volumeIdOf(asked)
  if (!id.ok) return id
  const claim = { is: volumeState(status) ?? status }
  const changed = await asked.core.volumes.change(asked.asking, id.value, { claim })
  return changed.ok ? ok(accepted) : changed
}

const readStatus = ({ status }: Body, known: ReadonlySet<string>): string | undefined => {
  const word = typeof status === "string" ? status.toLowerCase() : ""
  return known.has(word) ? word : undefined
}

const words = ["creating", "available", "deleting", "error", "error_deleting"]
const snapshotStatuses = new Set(words)
const volumeStatuses = new Set([...words, "attaching", "in-use", "detaching"])

const following: Readonly<Record<string, readonly string[]>> = {
  creating: ["creating", "available", "error"],
  deleting: ["deleting", "error_deleting"],
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
