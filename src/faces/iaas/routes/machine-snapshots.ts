import { ok } from "../../../domain/fault.ts"
import type { Route } from "../../face.ts"
import type { IaasSettings } from "../../settings.ts"
import { accepted } from "../accepted.ts"
import { route } from "../route.ts"
import { countRule, nameOr, recorded } from "../snapshot-rules.ts"
import { machineSnapshot, machineSnapshots } from "../snapshot-tree.ts"
import { renderSnapshot, SnapshotSpecification } from "../wire/snapshot.ts"
import { base, ownerOf } from "../wire/words.ts"

const machine = `${base}/machines/:id`
const forOne = {
  path: `${machine}/snapshots/:snapshotId`,
  ids: { id: "machine", snapshotId: "snapshot" },
} as const

export const machineSnapshotRoutes = (settings: IaasSettings): readonly Route[] => [
  route({
    method: "POST",
    path: `${machine}/operations/snapshots`,
    ids: { id: "machine" },
    body: SnapshotSpecification,
    async answer({ core, asking, ids: { id }, body }) {
      const { name, description, snapshotMemory: memory, customProperties } = body
      const started = await core.snapshots.create(asking, {
        name: nameOr(name),
        description,
        metadata: customProperties,
        source: { kind: "machine", id },
        memory,
        // With its memory a guest is not frozen: it would come back frozen.
        quiesce: !memory && customProperties["quiesce"] === "true",
        countRule: countRule(settings),
        ...(memory ? { sourceRule: { guest: "required" } } : {}),
        recorded,
      })
      return accepted(core, asking, { kind: "snapshot-create", machine: id }, started)
    },
  }),
  route({
    method: "GET",
    path: `${machine}/snapshots`,
    ids: { id: "machine" },
    async answer({ core, who, ids: { id } }) {
      const found = await core.machines.get(who, id)
      if (!found.ok) return found
      const all = await machineSnapshots(core, who, found.value)
      if (!all.ok) return all
      const owner = await ownerOf(core, found.value.accountId)
      return ok({ status: 200, body: all.value.map((each) => renderSnapshot(id, each, owner)) })
    },
  }),
  route({
    ...forOne,
    method: "GET",
    async answer({ core, who, ids: { id, snapshotId } }) {
      const found = await machineSnapshot(core, who, id, snapshotId)
      if (!found.ok) return found
      const owner = await ownerOf(core, found.value.snapshot.accountId)
      return ok({ status: 200, body: renderSnapshot(id, found.value, owner) })
    },
  }),
  route({
    ...forOne,
    method: "DELETE",
    async answer({ core, who, asking, ids: { id, snapshotId } }) {
      const found = await machineSnapshot(core, who, id, snapshotId)
      if (!found.ok) return found
      const removed = await core.snapshots.remove(asking, snapshotId)
      return accepted(core, asking, { kind: "snapshot-delete", machine: id }, removed)
    },
  }),
  route({
    method: "POST",
    path: `${machine}/operations/revert/:snapshotId`,
    ids: { id: "machine", snapshotId: "snapshot" },
    versioned: true,
    async answer({ core, who, asking, ids: { id, snapshotId } }) {
      const found = await machineSnapshot(core, who, id, snapshotId)
      if (!found.ok) return found
      // With memory the guest goes on where it was; without, the machine is off afterwards.
      const then = "as-kept"
      const started = await core.machines.revert(asking, id, { snapshotId, then })
      return accepted(core, asking, { kind: "machine-revert", machine: id }, started)
    },
  }),
]
