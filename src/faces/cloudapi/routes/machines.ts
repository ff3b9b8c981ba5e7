import type { MachineView } from "../../../core/core.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import type { MachineId } from "../../../domain/ids.ts"
import type { Answer, Route } from "../../face.ts"
import { begun, emptied, json, refused, shown } from "../answers.ts"
import { type Asked, machineIdOf, noMachine, route } from "../route.ts"
import { shownMachine } from "../shown-machine.ts"
import { isAudited, newestFirst, renderEntry } from "../wire/audit.ts"
import { renderMachine } from "../wire/machine.ts"
import { createMachine } from "./machine-create.ts"
import { listMachines } from "./machine-list.ts"

export const machineRoutes: readonly Route[] = [
  route({ method: "POST", path: "/:account/machines", answer: createMachine }),
  route({ method: "GET", path: "/:account/machines", answer: listMachines }),
  route({
    method: "GET",
    path: "/:account/machines/:id",
    async answer(asked) {
      const { core, who, dialect, request } = asked
      const id = machineIdOf(request)
      if (id === undefined) return noMachine
      const found = await shownMachine(core, who, id, dialect)
      if (found.ok || found.fault.kind !== "not-found") return shown(found, (machine) => machine)
      return departed(asked, id)
    },
  }),
  route({ method: "DELETE", path: "/:account/machines/:id", answer: removeMachine }),
  route({ method: "GET", path: "/:account/machines/:id/audit", answer: audit }),
]

/** A machine that was deleted is Gone, and shown as it was; of any other nothing is known. */
export async function departed(
  { core, who, dialect }: Asked,
  id: MachineId,
): Promise<Result<Answer>> {
  const was = await core.machines.deleted(who, id)
  if (!was.ok) return noMachine
  return ok(json(renderMachine(was.value, "deleted", dialect), 410))
}

async function removeMachine(asked: Asked): Promise<Result<Answer>> {
  const { core, who, asking, request } = asked
  const id = machineIdOf(request)
  if (id === undefined) return noMachine
  const started = await core.machines.remove(asking, id)
  if (started.ok) return ok(begun(204, started.value.operation))
  const { fault } = started
  if (fault.kind === "not-found") {
    // It may be on its way out already.
    const machine = await core.machines.get(who, id)
    return machine.ok ? ok(emptied(204)) : departed(asked, id)
  }
  if (fault.kind === "wrong-state") {
    const machine = await core.machines.get(who, id)
    if (machine.ok && machine.value.deletionProtected) {
      return refused("CannotDestroyMachineError", "Machine has deletion protection enabled")
    }
  }
  return no(fault)
}

/** Of each; a busy machine's whole history would be long to tell, and clients ask each second. */
const mostEntries = 500

/** What was done to the machine, and to its root volume through other APIs, the newest first. */
async function audit({ core, who, request }: Asked): Promise<Result<Answer>> {
  const id = machineIdOf(request)
  if (id === undefined) return noMachine
  const machine = await machineOrWhatItWas({ core, who }, id)
  if (!machine.ok) return machine
  const done = []
  for (const subjectId of [id, machine.value.rootVolumeId]) {
    const listing = { subjectId, order: "newest-first", limit: mostEntries } as const
    const found = await core.operations.list(who, listing)
    if (!found.ok) return found
    done.push(...found.value)
  }
  return ok(json(done.filter(isAudited).sort(newestFirst).map(renderEntry)))
}

async function machineOrWhatItWas(
  { core, who }: Pick<Asked, "core" | "who">,
  id: MachineId,
): Promise<Result<MachineView>> {
  const machine = await core.machines.get(who, id)
  if (machine.ok || machine.fault.kind !== "not-found") return machine
  const was = await core.machines.deleted(who, id)
  return was.ok ? was : noMachine
}
