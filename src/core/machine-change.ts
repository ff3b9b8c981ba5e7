/** What is changed of a machine without work: its name, its labels, whether it may be deleted. */
import { Refusal, type Result } from "../domain/fault.ts"
import type { MachineId } from "../domain/ids.ts"
import { changeAtOnce } from "./change.ts"
import type { Context } from "./context.ts"
import type { Asking, Machines, MachineView } from "./core.ts"
import { changed } from "./labels.ts"
import { viewOf } from "./machine-rules.ts"
import { mustBeFree } from "./names.ts"
import { shownMachine } from "./shown.ts"

type MachineChange = Parameters<Machines["change"]>[2]

export function changeMachine(
  context: Context,
  asking: Asking,
  id: MachineId,
  { deletionProtected, ...change }: MachineChange,
): Promise<Result<MachineView>> {
  return changeAtOnce(context, asking, { kind: "machine", id }, async (rooms) => {
    const machine = await shownMachine(rooms, asking.who, id)
    if (machine.state === "deleting") throw new Refusal({ kind: "not-found", what: "machine", id })
    const patch = {
      ...changed(machine, change),
      ...(deletionProtected === undefined ? {} : { deletionProtected }),
    }
    const { name = machine.name } = patch
    if (name !== machine.name) {
      const alike = { accountId: machine.accountId, name }
      await mustBeFree(change.nameRule, "machine", name, () => rooms.machines.find(alike))
    }
    const fields = Object.keys(patch)
    if (fields.length > 0) await rooms.machines.change(id, patch)
    const resource = await viewOf(rooms, { ...machine, ...patch })
    return { resource, accountId: machine.accountId, fields }
  })
}
