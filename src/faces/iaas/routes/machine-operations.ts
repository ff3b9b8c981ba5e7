/** Power and size. The hard ways act at once; the others ask the guest first. */
import { z } from "zod"
import type { Asking, Core, MachineView, Started } from "../../../core/core.ts"
import { type Fault, no, type Result } from "../../../domain/fault.ts"
import type { MachineId } from "../../../domain/ids.ts"
import { hardwareBounds } from "../../../domain/machine.ts"
import type { Route } from "../../face.ts"
import { accepted } from "../accepted.ts"
import { flavorOf, notAFlavor } from "../flavors.ts"
import { route } from "../route.ts"
import { base, flag, wholeNumber } from "../wire/words.ts"

const operation = (name: string) =>
  ({
    method: "POST",
    path: `${base}/machines/:id/operations/${name}`,
    ids: { id: "machine" },
  }) as const

type Act = (core: Core, asking: Asking, id: MachineId) => Promise<Result<Started<MachineView>>>

const reboot =
  (hard: boolean): Act =>
  ({ machines }, asking, id) =>
    machines.reboot(asking, id, { hard })
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
  reboot: { kind: "machine-reboot", act: reboot(false) },
  restart: { kind: "machine-reboot", act: reboot(false) },
  reset: { kind: "machine-reboot", act: reboot(true) },
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

const flavorNamed = z.string().transform((name, wrong) => {
  const flavor = flavorOf(name)
  if (flavor !== undefined) return flavor
  wrong.addIssue({ code: "custom", message: notAFlavor })
  return z.NEVER
})

const { memoryMiB, cpus } = hardwareBounds

/**
 * `name` is a flavor, and the numbers beside it count for more. A machine that runs is switched
 * off for it, unless that is ruled out. Cores are as CPUs here.
 */
const Resize = z
  .object({
    name: z.exactOptional(flavorNamed),
    cpuCount: z.exactOptional(wholeNumber(cpus.least, cpus.most)),
    memoryInMB: z.exactOptional(wholeNumber(memoryMiB.least, memoryMiB.most)),
    rebootMachine: flag.default(true),
  })
  .refine((wish) => "name" in wish || "cpuCount" in wish || "memoryInMB" in wish, {
    error: "needs the name of a flavor, cpuCount or memoryInMB",
  })
  .transform(({ name, cpuCount = name?.cpus, memoryInMB = name?.memoryMiB, rebootMachine }) => ({
    ...(cpuCount === undefined ? {} : { cpus: cpuCount }),
    ...(memoryInMB === undefined ? {} : { memoryMiB: memoryInMB }),
    restart: rebootMachine,
  }))

export const machineOperationRoutes: readonly Route[] = [
  ...powerRoutes,
  route({
    ...operation("resize"),
    query: Resize,
    async answer({ core, asking, ids: { id }, query }) {
      const started = await core.machines.resize(asking, id, query)
      return accepted(core, asking, { kind: "machine-resize", machine: id }, started)
    },
  }),
]
