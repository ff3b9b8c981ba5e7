import type { MachineView, Started } from "../../../core/core.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import type { Answer, Route } from "../../face.ts"
import { begun, emptied, refused } from "../answers.ts"
import { wordOf } from "../body.ts"
import { type Asked, type AskedOfMachine, machineIdOf, noMachine, route } from "../route.ts"
import { packageNamed } from "../wire/package.ts"
import { departed } from "./machines.ts"

/** What may be done to a machine by naming it in `action`. */
const actions: Record<string, (asked: AskedOfMachine) => Promise<Result<Answer>>> = {
  start: async ({ core, asking, id }) => accepted(await core.machines.start(asking, id)),
  stop: async ({ core, asking, id }) =>
    accepted(await core.machines.stop(asking, id, { hard: false })),
  reboot: async ({ core, asking, id }) => accepted(await core.machines.reboot(asking, id)),
  rename,
  resize,
  enable_deletion_protection: (asked) => change(asked, { deletionProtected: true }),
  disable_deletion_protection: (asked) => change(asked, { deletionProtected: false }),
  enable_firewall: async () =>
    refused("InvalidArgument", "machines have no networks here, and no firewall"),
  // That is how all of them are.
  disable_firewall: async () => ok(emptied(202)),
}

export const actionRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/:account/machines/:id",
    async answer(asked) {
      const { core, who, params, request } = asked
      const id = machineIdOf(request)
      if (id === undefined) return noMachine
      const machine = await core.machines.get(who, id)
      if (!machine.ok) return departed(asked, id)
      const { action } = params
      if (action === undefined || action === "") {
        return refused("MissingParameter", "action is required", { field: "action" })
      }
      const word = wordOf(action) ?? "this"
      const act = Object.hasOwn(actions, word) ? actions[word] : undefined
      return act === undefined
        ? refused("InvalidArgument", `${word.slice(0, 64)} is not a valid action`)
        : act({ ...asked, id, machine: machine.value })
    },
  }),
]

const accepted = (started: Result<Started<MachineView>>): Result<Answer> =>
  started.ok ? ok(begun(202, started.value.operation)) : started

type MachineChange = Parameters<Asked["core"]["machines"]["change"]>[2]

async function change(
  { core, asking, id }: AskedOfMachine,
  wish: MachineChange,
): Promise<Result<Answer>> {
  const changed = await core.machines.change(asking, id, wish)
  return changed.ok ? ok(emptied(202)) : changed
}

const longestName = 189

async function rename(asked: AskedOfMachine): Promise<Result<Answer>> {
  const { name } = asked.params
  if (name === undefined || name === "") {
    return refused("MissingParameter", "name is required", { field: "name" })
  }
  if (typeof name !== "string" || name.length > longestName) {
    const why = `name must be a text of at most ${longestName} characters`
    return refused("InvalidArgument", why, { field: "name" })
  }
  return change(asked, { name })
}

/** A running guest is not switched off for something that its user did not ask for in words. */
async function resize(asked: AskedOfMachine): Promise<Result<Answer>> {
  const { core, asking, id, params } = asked
  const { package: ref } = params
  if (ref === undefined || ref === "") {
    return refused("MissingParameter", "package must be specified", { field: "package" })
  }
  const word = wordOf(ref) ?? "this"
  const size = packageNamed(word)
  if (size === undefined) {
    const why = `${word.slice(0, 64)} is not a valid package`
    return refused("InvalidArgument", why, { field: "package" })
  }
  const wish = { memoryMiB: size.memory, cpus: size.vcpus, restart: false }
  return accepted(await core.machines.resize(asking, id, wish))
}
