import { z } from "zod"
import type { Core, MachineView } from "../../../core/core.ts"
import { mayAct, type Principal } from "../../../domain/account.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import type { MachineId } from "../../../domain/ids.ts"
import type { Answer, Route } from "../../face.ts"
import type { IaasSettings } from "../../settings.ts"
import { accepted } from "../accepted.ts"
import { ListQuery, listed, selected } from "../listing.ts"
import { askingIn } from "../project.ts"
import { route } from "../route.ts"
import { hasRoom } from "../snapshot-rules.ts"
import { machineSnapshots } from "../snapshot-tree.ts"
import { MachineSpecification, MachineUpdate, renderMachine, writable } from "../wire/machine.ts"
import { base, flag, ownerOf } from "../wire/words.ts"
import { wishedMachine } from "../wished-machine.ts"

const path = `${base}/machines`
const required = ["id", "_links", "externalRegionId", "powerState"]
const Query = ListQuery.extend({ skipOperationLinks: flag.default(false) })
const One = z.object({ $select: z.exactOptional(z.string().max(4096)) })
const forOne = { path: `${path}/:id`, ids: { id: "machine" } } as const

export const machineRoutes = (settings: IaasSettings): readonly Route[] => [
  route({
    method: "GET",
    path,
    query: Query,
    async answer({ core, who, query }) {
      const owner = await ownerOf(core, who.accountId)
      // Of single machines alone more is told: it would be looked up for each of them.
      const any = { changes: mayAct(who), snapshots: true, reverts: [] }
      const allowed = query.skipOperationLinks ? null : any
      const source = {
        get: (id: string) => own(core, who, id as MachineId),
        list: (page: { limit: number }) => core.machines.list(who, page),
        count: () => core.machines.count(who, { limit: 1 }),
        render: (machine: MachineView) => renderMachine(machine, owner, allowed),
        required,
      }
      return listed(source, query)
    },
  }),
  route({
    method: "POST",
    path,
    body: MachineSpecification,
    async answer({ core, asking, body }) {
      const within = await askingIn(core, asking, body.projectId)
      if (!within.ok) return within
      const wish = await wishedMachine(core, within.value.who, body)
      if (!wish.ok) return wish
      const made = await core.machines.create(within.value, wish.value)
      return accepted(core, within.value, { kind: "machine-create" }, made)
    },
  }),
  route({
    ...forOne,
    method: "GET",
    query: One,
    async answer({ core, who, ids: { id }, query }) {
      const machine = await core.machines.get(who, id)
      if (!machine.ok) return machine
      return shown(core, who, machine.value, settings, query.$select)
    },
  }),
  route({
    ...forOne,
    method: "PATCH",
    body: MachineUpdate,
    async answer({ core, who, asking, ids: { id }, body }) {
      const { description, tags, customProperties } = body
      const changed = await core.machines.change(asking, id, {
        ...(description === undefined ? {} : { description }),
        ...(tags === undefined ? {} : { tags }),
        // Those that are not mentioned stay as they are.
        ...(customProperties === undefined
          ? {}
          : { merge: { metadata: writable(customProperties) } }),
      })
      return changed.ok ? shown(core, who, changed.value, settings) : changed
    },
  }),
  route({
    ...forOne,
    method: "DELETE",
    async answer({ core, asking, ids: { id } }) {
      const removed = await core.machines.remove(asking, id)
      return accepted(core, asking, { kind: "machine-delete", machine: id }, removed)
    },
  }),
]

/** A list is of the asker's own account, also where an id alone would find others. */
async function own(core: Core, who: Principal, id: MachineId): Promise<Result<MachineView>> {
  const found = await core.machines.get(who, id)
  const isOther = found.ok && found.value.accountId !== who.accountId
  return isOther ? { ok: false, fault: { kind: "not-found", what: "machine", id } } : found
}

async function shown(
  core: Core,
  who: Principal,
  machine: MachineView,
  settings: IaasSettings,
  select?: string,
): Promise<Result<Answer>> {
  const tree = await machineSnapshots(core, who, machine)
  if (!tree.ok) return tree
  const snapshots = tree.value.map(({ snapshot }) => snapshot)
  const counted = snapshots.filter(({ sourceId }) => sourceId === machine.id)
  const ready = snapshots.filter(({ state }) => state === "ready")
  const allowed = {
    changes: mayAct(who),
    snapshots: hasRoom(settings, counted.length),
    reverts: ready.map(({ id }) => id),
  }
  const owner = await ownerOf(core, machine.accountId)
  const body = selected(renderMachine(machine, owner, allowed), select, required)
  return ok({ status: 200, body })
}
