/** How a route of this face is written down, and what all of them do before their own work. */
import type { Asking, Core, MachineView } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { no, ok, type Result } from "../../domain/fault.ts"
import { type MachineId, parseId } from "../../domain/ids.ts"
import { askingOf } from "../asking.ts"
import type { Answer, Request, Route } from "../face.ts"
import { refused } from "./answers.ts"
import { type Params, readParams } from "./body.ts"
import { signingKey, wantedDialect } from "./identify.ts"
import type { Dialect } from "./versions.ts"

/** What a route's own code is given. */
export type Asked = {
  core: Core
  who: Principal
  asking: Asking
  params: Params
  dialect: Dialect
  request: Request
}

/** A route as it is written down. */
export type Told<A> = Pick<Route, "method" | "path" | "open"> & {
  answer(asked: A): Promise<Result<Answer>>
}

export function route({ answer, ...told }: Told<Asked>): Route {
  return {
    ...told,
    async answer(core, who, request) {
      const dialect = wantedDialect(request)
      if (!dialect.ok) return dialect
      if (!takesJson(request)) return refused("NotAcceptable", "this answers in application/json")
      const params = await readParams(request)
      if (!params.ok) return ok(params.answer)
      const asking = askingOf("cloudapi", who, request, signingKey(request))
      return answer({ core, who, asking, params: params.value, dialect: dialect.value, request })
    },
  }
}

/** A route of one machine; `underWay` are the kinds of the operations that it waits for. */
export type AskedOfMachine = Asked & { id: MachineId; machine: MachineView }

export const machineRoute = ({ answer, path, method }: Told<AskedOfMachine>): Route =>
  route({
    method,
    path: `/:account/machines/:id${path}`,
    async answer(asked) {
      const machine = await machineOf(asked)
      return machine.ok
        ? answer({ ...asked, id: machine.value.id, machine: machine.value })
        : machine
    },
  })

/** One that is being deleted is gone for all but those who ask for the machine itself. */
async function machineOf({ core, who, request }: Asked): Promise<Result<MachineView>> {
  const id = machineIdOf(request)
  if (id === undefined) return noMachine
  const machine = await core.machines.get(who, id)
  return machine.ok && machine.value.state === "deleting" ? noMachine : machine
}

export const machineIdOf = ({ params }: Request): MachineId | undefined =>
  parseId<"machine">(params["id"] ?? "")

export const noMachine = no({ kind: "not-found", what: "machine", id: "" })

/** Whoever does not say what they take, takes everything. */
const acceptedBy = ({ headers }: Request): string[] =>
  (headers.accept ?? "*/*")
    .split(",")
    .map((one) => one.split(";", 1)[0]?.trim().toLowerCase() ?? "")

/**
 * Those that servers of this API have always taken for leave to answer in JSON: gosdc says that it
 * wants octets whenever it sends no body.
 */
const jsonTypes = [
  "",
  "*/*",
  "application/*",
  "application/json",
  "text/*",
  "text/plain",
  "application/octet-stream",
  "application/javascript",
]
const takesJson = (request: Request) => acceptedBy(request).some((one) => jsonTypes.includes(one))

/** A single value then goes as it is. */
export const wantsPlainText = (request: Request): boolean => acceptedBy(request)[0] === "text/plain"
