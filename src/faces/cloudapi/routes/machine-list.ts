import { z } from "zod"
import type { MachineListing } from "../../../core/core.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import { parseId } from "../../../domain/ids.ts"
import type { MachineKind, MachineState } from "../../../domain/machine.ts"
import type { Answer } from "../../face.ts"
import { read } from "../../read.ts"
import { json } from "../answers.ts"
import { wordOf } from "../body.ts"
import { everyPage } from "../covering.ts"
import type { Asked } from "../route.ts"
import { shownMachines } from "../shown-machine.ts"
import type { Dialect } from "../versions.ts"
import type { ShownMachine } from "../wire/machine.ts"

const states = ["provisioning", "stopping", "active", "stopped", "running", "unknown", "destroyed"]
const kinds = new Map<string, MachineKind>([
  ["virtualmachine", "vm"],
  ["smartmachine", "container"],
])
const whole = (least: number, most: number) => z.coerce.number().int().min(least).max(most)
const truth = z.union([z.boolean(), z.enum(["true", "false"])]).transform((value) => `${value}`)

const Query = z.object({
  type: z.string().optional(),
  brand: z.string().optional(),
  name: z.string().optional(),
  image: z.string().optional(),
  state: z.string().optional(),
  memory: whole(0, 2 ** 40).optional(),
  package: z.string().optional(),
  docker: truth.optional(),
  tombstone: z.unknown().optional(),
  limit: whole(1, 1000).default(1000),
  offset: whole(0, 2 ** 31).default(0),
})
type Query = z.output<typeof Query>

export async function listMachines({ core, who, params, dialect }: Asked): Promise<Result<Answer>> {
  const query = readQuery(params)
  if (!query.ok) return query
  const { limit, offset } = query.value
  const listing = listingOf(query.value)
  const fits = fitting(query.value, params)
  // What the core can sort out by itself it also pages; for the rest all are looked through.
  const list = () =>
    fits === null
      ? core.machines.list(who, { ...listing, limit, offset })
      : everyPage((page) => core.machines.list(who, { ...listing, ...page }))
  const found = listing === null ? ok([]) : await shownMachines(core, who, dialect, list)
  if (!found.ok) return found
  const fitted = fits === null ? found.value : found.value.filter(fits)
  const machines = fits === null ? fitted : fitted.slice(offset, offset + limit)
  return ok(
    json(machines, 200, {
      "x-query-limit": `${limit}`,
      "x-resource-count": `${machines.length}`,
    }),
  )
}

function readQuery(params: Asked["params"]): Result<Query> {
  const query = read(Query, params)
  if (!query.ok) return query
  const { state, type } = query.value
  if (state !== undefined && !states.includes(state)) return wrong("state", state)
  if (type !== undefined && !kinds.has(type)) return wrong("type", type)
  return query
}

const wrong = (field: string, value: string) =>
  no({ kind: "invalid", why: `${value.slice(0, 64)} is not a valid ${field}` })

/** Whoever pages takes a page with less on it than asked for as the last: those that go are not on it. */
const live = ["creating", "running", "stopped", "failed"] as const satisfies MachineState[]

/** Null: what is asked for cannot be. */
function listingOf({ name, image, type }: Query): Omit<MachineListing, "limit"> | null {
  const imageId = image === undefined ? undefined : parseId<"image">(image)
  if (image !== undefined && imageId === undefined) return null
  const kind = type === undefined ? undefined : kinds.get(type)
  return {
    state: live,
    ...(name === undefined ? {} : { name }),
    ...(imageId === undefined ? {} : { imageId }),
    ...(kind === undefined ? {} : { kind }),
  }
}

type Fits = (machine: ShownMachine) => boolean

/** Null: nothing is asked that the core does not know of by itself. */
function fitting(query: Query, params: Asked["params"]): Fits | null {
  const { state, memory, brand, package: size, docker } = query
  const tests: Fits[] = []
  if (state !== undefined && state !== "active") {
    tests.push((machine) => (state === "unknown" ? "failed" : state) === machine.state)
  }
  if (memory !== undefined) tests.push((machine) => machine.memory === memory)
  if (size !== undefined) tests.push((machine) => machine.package === size)
  if (brand !== undefined) tests.push((machine) => brands[machine.type] === brand)
  if (docker === "true") tests.push(() => false)
  for (const [name, value] of Object.entries(params)) {
    if (!name.startsWith("tag.")) continue
    const tag = name.slice("tag.".length)
    tests.push(({ tags }) => Object.hasOwn(tags, tag) && `${tags[tag]}` === wordOf(value))
  }
  return tests.length === 0 ? null : (machine) => tests.every((test) => test(machine))
}

const brands: Record<string, Dialect["version"]> = { virtualmachine: "bhyve", smartmachine: "lx" }
