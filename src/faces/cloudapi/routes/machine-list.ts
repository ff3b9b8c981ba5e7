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
import { renderMachine, type ShownMachine } from "../wire/machine.ts"

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

export async function listMachines(asked: Asked): Promise<Result<Answer>> {
  const query = readQuery(asked.params)
  if (!query.ok) return query
  const found = await pageOf(asked, query.value)
  if (!found.ok) return found
  return ok(
    json(found.value, 200, {
      "x-query-limit": `${query.value.limit}`,
      "x-resource-count": `${found.value.length}`,
    }),
  )
}

/** What the core can sort out by itself it also pages; for the rest all are looked through. */
async function pageOf(asked: Asked, query: Query): Promise<Result<ShownMachine[]>> {
  const { core, who, dialect, params } = asked
  const { limit, offset, state } = query
  const listing = listingOf(query)
  if (listing === null) return ok([])
  const fits = fitting(query, params)
  if (fits === null) {
    const list = () => core.machines.list(who, { ...listing, limit, offset })
    return await shownMachines(core, who, dialect, list)
  }
  const found: ShownMachine[] = []
  if (state !== "destroyed") {
    const list = () => everyPage((page) => core.machines.list(who, { ...listing, ...page }))
    const there = await shownMachines(core, who, dialect, list)
    if (!there.ok) return there
    found.push(...there.value)
  }
  if (withDeleted(query)) {
    const deleted = await core.machines.listDeleted(who, { limit: mostDeleted })
    if (!deleted.ok) return deleted
    found.push(...deleted.value.map((machine) => renderMachine(machine, "deleted", dialect)))
  }
  return ok(found.filter(fits).slice(offset, offset + limit))
}

const mostDeleted = 1000

const withTombstone = ({ state, tombstone }: Query) =>
  state === undefined && !["", "0", "false"].includes(wordOf(tombstone) ?? "")

const withDeleted = (query: Query) => query.state === "destroyed" || withTombstone(query)

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
const active = ["creating", "running", "stopped"] as const satisfies MachineState[]
const withFailed = [...active, "failed"] as const satisfies MachineState[]

/** Null: what is asked for cannot be. */
function listingOf(query: Query): Omit<MachineListing, "limit"> | null {
  const { name, image, type, state } = query
  const imageId = image === undefined ? undefined : parseId<"image">(image)
  if (image !== undefined && imageId === undefined) return null
  const kind = type === undefined ? undefined : kinds.get(type)
  return {
    state: state === "unknown" || withTombstone(query) ? withFailed : active,
    ...(name === undefined ? {} : { name }),
    ...(imageId === undefined ? {} : { imageId }),
    ...(kind === undefined ? {} : { kind }),
  }
}

type Fits = (machine: ShownMachine) => boolean

/** Null: nothing is asked that the core does not know of by itself. */
function fitting(query: Query, params: Asked["params"]): Fits | null {
  const { state, memory, brand, package: size, docker, name: called, image, type } = query
  const tests: Fits[] = []
  if (withDeleted(query)) {
    // Of those the core sorts out nothing.
    tests.push((machine) => called === undefined || machine.name === called)
    tests.push((machine) => image === undefined || machine.image === image.toLowerCase())
    tests.push((machine) => type === undefined || machine.type === type)
  } else if (state !== undefined && state !== "active") {
    tests.push((machine) => (state === "unknown" ? "failed" : state) === machine.state)
  }
  if (memory !== undefined) tests.push((machine) => machine.memory === memory)
  if (size !== undefined) tests.push((machine) => machine.package === size)
  if (brand !== undefined) tests.push((machine) => brands[machine.type] === brand)
  if (docker === "true") tests.push(() => false)
  tests.push(...tagged(params))
  return tests.length === 0 ? null : (machine) => tests.every((test) => test(machine))
}

/** By the values of single tags, or, with `tags=*`, by having any. */
function tagged(params: Asked["params"]): Fits[] {
  if (params["tags"] === "*") return [({ tags }) => Object.keys(tags).length > 0]
  return Object.entries(params).flatMap(([name, value]) => {
    if (!name.startsWith("tag.")) return []
    const tag = name.slice("tag.".length)
    return [({ tags }) => Object.hasOwn(tags, tag) && `${tags[tag]}` === wordOf(value)]
  })
}

const brands: Record<ShownMachine["type"], string> = { virtualmachine: "bhyve", smartmachine: "lx" }
