/** Machines as they are shown: in a state that says what is still to be done to them. */
import type { Core, MachineView } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { ok, type Result } from "../../domain/fault.ts"
import type { MachineId } from "../../domain/ids.ts"
import { everyPage } from "./covering.ts"
import type { Dialect } from "./versions.ts"
import { renderMachine, type ShownMachine, stateWord } from "./wire/machine.ts"

/**
 * What is under way is asked for first: whatever was accepted before the question is seen in one
 * of the two answers, so that nobody who waits takes the state before the work for that after it.
 */
export async function shownMachine(
  core: Core,
  who: Principal,
  id: MachineId,
  dialect: Dialect,
): Promise<Result<ShownMachine>> {
  const underWay = await kindsUnderWay(core, who, id)
  if (!underWay.ok) return underWay
  const machine = await core.machines.get(who, id)
  return machine.ok ? ok(render(machine.value, underWay.value, dialect)) : machine
}

export async function shownMachines(
  core: Core,
  who: Principal,
  dialect: Dialect,
  list: () => Promise<Result<MachineView[]>>,
): Promise<Result<ShownMachine[]>> {
  const underWay = await kindsUnderWay(core, who)
  if (!underWay.ok) return underWay
  const machines = await list()
  if (!machines.ok) return machines
  return ok(machines.value.map((machine) => render(machine, underWay.value, dialect)))
}

type Kinds = ReadonlyMap<string, readonly string[]>

const render = (machine: MachineView, underWay: Kinds, dialect: Dialect) =>
  renderMachine(machine, stateWord(machine.state, underWay.get(machine.id) ?? []), dialect)

/** Of one machine or of all, the next first. */
async function kindsUnderWay(
  core: Core,
  who: Principal,
  subjectId?: MachineId,
): Promise<Result<Kinds>> {
  const of = subjectId === undefined ? {} : { subjectId }
  const listing = { ...of, unendedOnly: true, order: "oldest-first" } as const
  const found = await everyPage((page) => core.operations.list(who, { ...listing, ...page }))
  if (!found.ok) return found
  const bySubject = Map.groupBy(found.value, (operation) => operation.subjectId)
  return ok(
    new Map([...bySubject].map(([id, operations]) => [id, operations.map(({ kind }) => kind)])),
  )
}
