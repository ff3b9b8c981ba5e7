import { ok } from "../../../domain/fault.ts"
import type { Route } from "../../face.ts"
import { accepted, page, shown } from "../answers.ts"
import { route } from "../route.ts"
import {
  AttachWish,
  ConsoleQuery,
  ExecResult,
  ExecWish,
  Machine,
  MachineChange,
  MachinePage,
  MachineResizeWish,
  MachineRevertWish,
  MachineWish,
  renderExec,
  renderMachine,
  StopWish,
} from "../wire/machine.ts"
import { ListQuery, startedOf } from "../wire/words.ts"

const tag = "machines"
const Started = startedOf(Machine, "MachineStarted")
/** What routes of one machine that start work have in common. */
const act = { method: "POST", resource: "machine", tag, answers: { 202: Started } } as const

export const machineRoutes: readonly Route[] = [
  route({
    method: "POST",
    path: "/api/machines",
    tag,
    summary: "Makes a machine and starts it",
    body: MachineWish,
    answers: { 202: Started },
    answer: async ({ core, asking, body }) =>
      accepted(await core.machines.create(asking, body), renderMachine),
  }),
  route({
    method: "GET",
    path: "/api/machines",
    tag,
    summary: "The account's machines",
    query: ListQuery,
    answers: { 200: MachinePage },
    answer: ({ core, who, query }) =>
      page(query, (one) => core.machines.list(who, one), renderMachine),
  }),
  route({
    method: "GET",
    path: "/api/machines/:id",
    resource: "machine",
    tag,
    summary: "One machine",
    answers: { 200: Machine },
    answer: async ({ core, who, id }) => shown(await core.machines.get(who, id), renderMachine),
  }),
  route({
    method: "PATCH",
    path: "/api/machines/:id",
    resource: "machine",
    tag,
    summary: "Changes a machine's name, labels and protection",
    body: MachineChange,
    answers: { 200: Machine },
    answer: async ({ core, asking, id, body }) =>
      shown(await core.machines.change(asking, id, body), renderMachine),
  }),
  route({
    ...act,
    method: "DELETE",
    path: "/api/machines/:id",
    summary: "Deletes a machine, its root volume and its snapshots",
    answer: async ({ core, asking, id }) =>
      accepted(await core.machines.remove(asking, id), renderMachine),
  }),
  route({
    ...act,
    path: "/api/machines/:id/start",
    summary: "Switches a machine on",
    answer: async ({ core, asking, id }) =>
      accepted(await core.machines.start(asking, id), renderMachine),
  }),
  route({
    ...act,
    path: "/api/machines/:id/stop",
    summary: "Switches a machine off",
    body: StopWish,
    answer: async ({ core, asking, id, body }) =>
      accepted(await core.machines.stop(asking, id, body), renderMachine),
  }),
  route({
    ...act,
    path: "/api/machines/:id/reboot",
    summary: "Restarts a machine",
    answer: async ({ core, asking, id }) =>
      accepted(await core.machines.reboot(asking, id), renderMachine),
  }),
  route({
    ...act,
    path: "/api/machines/:id/resize",
    summary: "Gives a machine more or less memory and processors",
    body: MachineResizeWish,
    answer: async ({ core, asking, id, body }) =>
      accepted(await core.machines.resize(asking, id, body), renderMachine),
  }),
  route({
    ...act,
    path: "/api/machines/:id/attach",
    summary: "Attaches an extra volume",
    body: AttachWish,
    answer: async ({ core, asking, id, body }) =>
      accepted(await core.machines.attach(asking, id, body.volumeId), renderMachine),
  }),
  route({
    ...act,
    path: "/api/machines/:id/detach",
    summary: "Detaches an extra volume",
    body: AttachWish,
    answer: async ({ core, asking, id, body }) =>
      accepted(await core.machines.detach(asking, id, body.volumeId), renderMachine),
  }),
  route({
    ...act,
    path: "/api/machines/:id/revert",
    summary: "Goes back to a snapshot; what it replaces is kept as a recovery snapshot",
    body: MachineRevertWish,
    answer: async ({ core, asking, id, body }) =>
      accepted(await core.machines.revert(asking, id, body), renderMachine),
  }),
  route({
    method: "POST",
    path: "/api/machines/:id/exec",
    resource: "machine",
    tag,
    summary: "Runs a command in the guest",
    body: ExecWish,
    answers: { 200: ExecResult },
    answer: async ({ core, asking, id, body }) =>
      shown(await core.machines.exec(asking, id, body), renderExec),
  }),
  route({
    method: "GET",
    path: "/api/machines/:id/console",
    resource: "machine",
    tag,
    summary: "What the serial console printed last",
    query: ConsoleQuery,
    answers: { 200: "text/plain" },
    async answer({ core, who, id, query }) {
      const printed = await core.machines.console(who, id, query.bytes)
      const headers = { "Content-Type": "text/plain; charset=utf-8" }
      return printed.ok ? ok({ status: 200, headers, body: printed.value }) : printed
    },
  }),
]
