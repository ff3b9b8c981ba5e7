import type { MachineView, Started } from "../../../core/core.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import type { Route } from "../../face.ts"
import { read } from "../../read.ts"
import { unknownAction } from "../faults.ts"
import { type AskedOfServer, serverRoute } from "../route.ts"
import { flavorOf } from "../wire/flavor.ts"
import { Reboot, Resize, ServerAction } from "../wire/server.ts"

type Does = (asked: AskedOfServer) => Promise<Result<Started<MachineView>>>

const actions: Record<string, Does> = {
  async reboot({ core, asking, server, body }) {
    const how = read(Reboot, body)
    if (!how.ok) return how
    return await core.machines.reboot(asking, server, { hard: how.value.reboot.type === "HARD" })
  },
  "os-start": ({ core, asking, server }) => core.machines.start(asking, server),
  "os-stop": ({ core, asking, server }) => core.machines.stop(asking, server, { hard: false }),
  async resize({ core, who, asking, server, body }) {
    const wish = read(Resize, body)
    if (!wish.ok) return wish
    const { id, memoryMiB, cpus } = wish.value.resize.flavor.id
    const machine = await core.machines.get(who, server)
    if (!machine.ok) return machine
    if (flavorOf(machine.value.hardware).id === id) return sameFlavor
    return await core.machines.resize(asking, server, { memoryMiB, cpus, restart: true })
  },
}

const sameFlavor = no({
  kind: "invalid",
  why: "is the one that the server has already",
  field: "resize.flavor.id",
})

export const serverActionRoutes: readonly Route[] = serverRoute({
  method: "POST",
  paths: ["/action", "/actions"],
  body: ServerAction,
  async answer(asked) {
    const [name = ""] = Object.keys(asked.body)
    const does = Object.hasOwn(actions, name) ? actions[name] : undefined
    if (does === undefined) return ok(unknownAction(name, asked.request))
    const begun = await does(asked)
    return begun.ok ? ok({ status: 202 }) : begun
  },
})
