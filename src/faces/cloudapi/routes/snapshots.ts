import type { Asking, Core, MachineView, SnapshotView, Started } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { no, ok, type Result } from "../../../domain/fault.ts"
import type { Answer, Route } from "../../face.ts"
import type { CloudapiSettings } from "../../settings.ts"
import { begun, json, refused } from "../answers.ts"
import { snapshotNamed, snapshotsOf } from "../covering.ts"
import { nameRule, stampName } from "../names.ts"
import { type AskedOfMachine, machineRoute } from "../route.ts"
import { renderSnapshot } from "../wire/snapshot.ts"

export const snapshotRoutes = (settings: CloudapiSettings): readonly Route[] => [
  machineRoute({
    method: "POST",
    path: "/snapshots",
    answer: (asked) => createSnapshot(asked, settings),
  }),
  machineRoute({
    method: "GET",
    path: "/snapshots",
    async answer({ core, who, machine, dialect }) {
      const found = await snapshotsOf({ core, who, machine })
      if (!found.ok) return found
      const shown = found.value.map(({ name, snapshot }) =>
        renderSnapshot(snapshot, { name, dialect, settings }),
      )
      return ok(json(shown))
    },
  }),
  machineRoute({
    method: "GET",
    path: "/snapshots/:name",
    answer: (asked) =>
      withSnapshot(asked, "Snapshot does not exist", async (snapshot, name) =>
        ok(json(renderSnapshot(snapshot, { name, dialect: asked.dialect, settings }))),
      ),
  }),
  machineRoute({
    method: "POST",
    path: "/snapshots/:name",
    answer: (asked) =>
      withSnapshot(asked, "Snapshot does not exist", async ({ id: snapshotId }) => {
        const { core, asking, id } = asked
        // biome-ignore lint/suspicious/noThenProperty: what comes after it, in the core's words
        const wish = { snapshotId, then: "start" } as const
        const started = await core.machines.revert(asking, id, wish)
        return started.ok ? ok(begun(202, started.value.operation)) : started
      }),
  }),
  machineRoute({
    method: "DELETE",
    path: "/snapshots/:name",
    answer: (asked) =>
      withSnapshot(asked, null, async ({ id }) => {
        const started = await asked.core.snapshots.remove(asked.asking, id)
        return started.ok ? ok(begun(204, started.value.operation)) : started
      }),
  }),
]

/** `missing` null: the answer names the snapshot, as the clients of deletion expect. */
async function withSnapshot(
  { core, who, machine, request }: AskedOfMachine,
  missing: string | null,
  work: (snapshot: SnapshotView, name: string) => Promise<Result<Answer>>,
): Promise<Result<Answer>> {
  const name = request.params["name"] ?? ""
  const absent = () => refused("ResourceNotFound", missing ?? `${name.slice(0, 255)} not found`)
  const found = await snapshotNamed({ core, who, machine }, name)
  if (!found.ok) return found
  if (found.value === undefined) return absent()
  const answer = await work(found.value, name)
  if (answer.ok) return answer
  const { fault } = answer
  // Somebody else was faster.
  if (fault.kind === "not-found" && fault.what === "snapshot") return absent()
  // It is known by its name here, not by its id.
  return fault.kind === "wrong-state" && fault.id === found.value.id
    ? no({ ...fault, id: name })
    : answer
}

async function createSnapshot(
  asked: AskedOfMachine,
  settings: CloudapiSettings,
): Promise<Result<Answer>> {
  const { core, who, machine, params, dialect } = asked
  if (settings.smartmachineOnly && machine.kind === "vm") {
    return refused("InvalidArgument", "Snapshots of bhyve VMs are not allowed")
  }
  const { name } = params
  const wanted = name === undefined || name === null ? "" : name
  if (typeof wanted !== "string") {
    return refused("InvalidArgument", "name must be a text", { field: "name" })
  }
  const started = wanted === "" ? await takeStamped(asked) : await take(asked, wanted)
  if (!started.ok) return started
  const { resource } = started.value
  const account = await core.identity.account(who.accountId)
  const place = [account?.login ?? "my", "machines", machine.id, "snapshots", resource.name]
  const showing = { name: resource.name, dialect, settings }
  return ok(
    json(renderSnapshot(resource, showing), 201, {
      Location: `/${place.map(encodeURIComponent).join("/")}`,
    }),
  )
}

type Taking = { core: Core; who: Principal; asking: Asking; machine: MachineView }

/** What a name stands for here must be one snapshot, whatever API it was taken through. */
async function take(taking: Taking, name: string): Promise<Result<Started<SnapshotView>>> {
  const { core, asking, machine } = taking
  const there = await snapshotNamed(taking, name)
  if (!there.ok) return there
  if (there.value !== undefined && there.value.state !== "failed") {
    return no({ kind: "name-taken", what: "snapshot", name })
  }
  const source = { kind: "machine", id: machine.id } as const
  return core.snapshots.create(asking, {
    name,
    nameRule,
    source,
    recorded: ["quota", "no-space"],
  })
}

const mostAlike = 1000

/** However many are asked for in one second, each gets a name of its own. */
async function takeStamped(taking: Taking): Promise<Result<Started<SnapshotView>>> {
  const stamp = stampName(Date.now())
  for (let count = 1; ; count++) {
    const taken = await take(taking, count === 1 ? stamp : `${stamp}-${count}`)
    if (taken.ok || taken.fault.kind !== "name-taken" || count === mostAlike) return taken
  }
}
