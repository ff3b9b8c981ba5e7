/** Power and size. The hard ways act at once; the others ask the guest first. */
import { z } from "zod"
import type { Asking, Core, MachineView, Started } from "../../../core/core.ts"
import { type Fault, no, type Result } from "../../../domain/fault.ts"
import type { MachineId } from "../../../domain/ids.ts"
import type { Route } from "../../face.ts"
import { accepted } from "../accepted.ts"
import { route } from "../route.ts"
import { base, flag, wholeNumber } from "../wire/words.ts"

const operation = (name: string) =>
  ({
    method: "POST",
    path: `${base}/machines/:id/operations/${name}`,
    ids: { id: "machine" },
  }) as const

type Act = (core: Core, asking: Asking, id: MachineId) => Promise<Result<Started<MachineView>>>

const reboot: Act = ({ machines }, asking, id) => machines.reboot(asking, id)
const stop =
  (hard: boolean): Act =>
  ({ machines }, asking, id) =>
    machines.stop(asking, id, { hard })

const powers: Record<string, { kind: string; act: Act }> = {
  "power-on": {
    kind: "machine-start",
    act: ({ machines }, asking, id) => machines.start(asking, id),
  },
  "power-off": { kind: "machine-stop", act: stop(true) },
  shutdown: { kind: "machine-stop", act: stop(false) },
  reboot: { kind: "machine-reboot", act: reboot },
  restart: { kind: "machine-reboot", act: reboot },
  reset: { kind: "machine-reboot", act: reboot },
  suspend: { kind: "machine-suspend", act: async () => no(cannotSuspend) },
}

const cannotSuspend: Fault = {
  kind: "unsupported",
  what: "suspending a machine",
  why: "take a snapshot with snapshotMemory, and revert to it later",
}

const powerRoutes = Object.entries(powers).map(([name, { kind, act }]) =>
  route({
    ...operation(name),
    answer: async ({ core, asking, ids: { id } }) =>
      accepted(core, asking, { kind, machine: id }, await act(core, asking, id)),
  }),
)

/** A machine that runs is switched off for it, unless that is ruled out. Cores are as CPUs here. */
const Resize = z
  .object({
    cpuCount: z.exactOptional(wholeNumber(1, 1024)),
    memoryInMB: z.exactOptional(wholeNumber(1, 2 ** 30)),
    rebootMachine: flag.default(true),
  })
  .refine(({ cpuCount, memoryInMB }) => cpuCount !== undefined || memoryInMB !== undefined, {
    error: "needs cpuCount or memoryInMB",
  })

export const machineOperationRoutes: readonly Route[] = [
  ...powerRoutes,
  route({
    ...operation("resize"),
    query: Resize,
    async answer({ core, asking, ids: { id }, query }) {
      const { cpuCount, memoryInMB, rebootMachine: restart } = query
      const started = await core.machines.resize(asking, id, {
        ...(cpuCount === undefined ? {} : { cpus: cpuCount }),
        ...(memoryInMB === undefined ? {} : { memoryMiB: memoryInMB }),
        restart,
      })
      return accepted(core, asking, { kind: "machine-resize", machine: id }, started)
    },
  }),
]
