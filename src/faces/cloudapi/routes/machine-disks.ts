import { ok, type Result } from "../../../domain/fault.ts"
import type { Answer, Route } from "../../face.ts"
import { json, refused } from "../answers.ts"
import { type AskedOfMachine, machineRoute } from "../route.ts"
import { shownMachine } from "../shown-machine.ts"
import { renderDisks } from "../wire/machine.ts"

/** To look at: a machine's disks are its package's, and extra volumes come through other APIs. */
export const diskRoutes: readonly Route[] = [
  machineRoute({
    method: "GET",
    path: "/disks",
    async answer(asked) {
      const disks = await disksOf(asked)
      if (!disks.ok) return disks
      return ok(json(disks.value, 200, { "x-resource-count": `${disks.value.length}` }))
    },
  }),
  machineRoute({
    method: "GET",
    path: "/disks/:disk",
    async answer(asked): Promise<Result<Answer>> {
      const disks = await disksOf(asked)
      if (!disks.ok) return disks
      const { disk } = asked.request.params
      const found = disks.value.find(({ id }) => id === disk?.toLowerCase())
      return found === undefined ? refused("ResourceNotFound", "disk not found") : ok(json(found))
    },
  }),
]

/** In the state that their machine is in. */
async function disksOf({ core, who, id, machine, dialect }: AskedOfMachine) {
  const shown = await shownMachine(core, who, id, dialect)
  if (!shown.ok) return shown
  const { state } = shown.value
  return ok(renderDisks(machine).map((disk) => ({ ...disk, boot: disk.boot === true, state })))
}
