import type { SnapshotWish as CoreWish } from "../../../core/core.ts"
import { ok } from "../../../domain/fault.ts"
import type { Route } from "../../face.ts"
import type { HostwaySettings } from "../../settings.ts"
import { snapshotOf, snapshotsOf } from "../lineage.ts"
import { type AskedOfServer, serverRoute } from "../route.ts"
import { RestoreWish, renderSnapshot, SnapshotWish } from "../wire/snapshot.ts"

const one = "/snapshots/:snapshot"

export const snapshotRoutes = (settings: HostwaySettings): readonly Route[] => [
  ...serverRoute({
    method: "POST",
    paths: ["/snapshots"],
    body: SnapshotWish,
    async answer({ core, asking, server: id, body, place }) {
      const made = await core.snapshots.create(asking, {
        ...body.snapshot,
        ...rules(settings),
        source: { kind: "machine", id },
      })
      if (!made.ok) return made
      const shown = { snapshot: made.value.resource, parentId: null }
      const snapshot = renderSnapshot({ id }, shown, place, settings)
      const Location = snapshot.links[0]?.href ?? ""
      return ok({ status: 202, headers: { Location }, body: { snapshot } })
    },
  }),
  ...serverRoute({
    method: "GET",
    paths: ["/snapshots"],
    async answer({ core, who, server, place }) {
      const machine = await core.machines.get(who, server)
      if (!machine.ok) return machine
      const all = await snapshotsOf({ core, who, server: machine.value })
      if (!all.ok) return all
      const render = (each: (typeof all.value)[number]) =>
        renderSnapshot(machine.value, each, place, settings)
      return ok({ status: settings.listStatus, body: { snapshots: all.value.map(render) } })
    },
  }),
  ...serverRoute({
    method: "GET",
    paths: [one],
    async answer(asked) {
      const found = await find(asked)
      if (!found.ok) return found
      const shown = { snapshot: found.value, parentId: found.value.parentId }
      const snapshot = renderSnapshot({ id: asked.server }, shown, asked.place, settings)
      return ok({ status: 200, body: { snapshot } })
    },
  }),
  ...serverRoute({
    method: "POST",
    paths: [`${one}/action`, `${one}/actions`],
    body: RestoreWish,
    async answer(asked) {
      const found = await find(asked)
      if (!found.ok) return found
      // This API's snapshots are of a server's own disk: whatever else one made elsewhere has, what
      // is off stays off, and extra volumes stay as they are.
      const wish = { snapshotId: found.value.id, rootOnly: true }
      const begun = await asked.core.machines.revert(asked.asking, asked.server, wish)
      return begun.ok ? ok({ status: 202 }) : begun
    },
  }),
  ...serverRoute({
    method: "DELETE",
    paths: [one],
    async answer(asked) {
      const found = await find(asked)
      if (!found.ok) return found
      const gone = await asked.core.snapshots.remove(asked.asking, found.value.id)
      return gone.ok ? ok({ status: 204 }) : gone
    },
  }),
]

/** What this API has always refused: extra volumes, names used twice, one too many; in this order. */
const rules = ({ maxSnapshots }: HostwaySettings) =>
  ({
    sourceRule: { extras: "refused" },
    nameRule: { unique: true },
    // biome-ignore lint/suspicious/noThenProperty: a word of the core; its value is no function
    countRule: { most: maxSnapshots, then: "refuse" },
  }) as const satisfies Partial<CoreWish>

async function find({ core, who, server, request }: AskedOfServer) {
  const machine = await core.machines.get(who, server)
  if (!machine.ok) return machine
  const family = { core, who, server: machine.value }
  return await snapshotOf(family, request.params["snapshot"] ?? "")
}
