/**
 * How a route of v1 is written down: below the account, without formats. Here it gets its twins
 * with `.json` and `.xml`, the account in its path is looked at, its body is read.
 */
import type { Asking, Core } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { ok, type Result } from "../../../domain/fault.ts"
import { askingOf } from "../../asking.ts"
import type { Answer, Method, Request, Route } from "../../face.ts"
import type { OpenstackSettings } from "../../settings.ts"
import { refused } from "../faults.ts"
import { type Body, inFormat, isBody, readBody, wantedFormat, withoutSuffix } from "../formats.ts"

/** What a route's own code is given. */
export type Asked = {
  core: Core
  /** Acts for the account of the path. */
  who: Principal
  asking: Asking
  settings: OpenstackSettings
  /** Without `.json` and `.xml`. */
  params: Readonly<Record<string, string>>
  query: Request["query"]
  /** Undefined where there is none, or none that is an object. */
  body: Body | undefined
  show(status: number, body: object): Result<Answer>
  /** In the words of this API, where nothing of ours says it. */
  refuse(status: number, message: string): Result<Answer>
}

export type V1Route = {
  method: Method
  /** Below `/v1/:account`. */
  path: string
  answer(asked: Asked): Promise<Result<Answer>>
}

const base = "/v1/:account"

export function mounted(route: V1Route, settings: OpenstackSettings): Route[] {
  const path = base + route.path
  const answer: Route["answer"] = async (core, who, request) => {
    const acting = await core.identity.actFor(who, request.params["account"] ?? "")
    // Whose account it is, or whether it is anybody's, is not told.
    if (!acting.ok) return ok(refused(request, 400, "Malformed request url"))
    const body = readBody(request)
    if (body === "strange") return ok(refused(request, 415, "Unsupported Content-Type"))
    if (!body.ok) return body
    return route.answer(askedOf(core, acting.value, { settings, request, body: body.value }))
  }
  const paths = endsInParameter(path) ? [path] : [path, `${path}.json`, `${path}.xml`]
  return paths.map((each) => ({ method: route.method, path: each, answer }))
}

/** There the suffix is in the parameter's value. */
const endsInParameter = (path: string) => (path.split("/").at(-1) ?? "").startsWith(":")

type Given = { settings: OpenstackSettings; request: Request; body: Body | undefined }

function askedOf(core: Core, who: Principal, { settings, request, body }: Given): Asked {
  const params = Object.entries(request.params).map(([name, value]) => [name, withoutSuffix(value)])
  return {
    core,
    who,
    asking: askingOf("openstack", who, request),
    settings,
    params: Object.fromEntries(params),
    query: request.query,
    body,
    show: (status, told) => ok(inFormat(wantedFormat(request), status, told)),
    refuse: (status, message) => ok(refused(request, status, message)),
  }
}

/** Accepted, and no more to say; the type is the one that this API always had here. */
export const accepted: Answer = {
  status: 202,
  headers: { "Content-Type": "text/html; charset=UTF-8" },
  body: null,
}

/** The wish of this name in a body; undefined is a 422. */
export function wishIn(body: Body | undefined, name: string): Body | undefined {
  const wish = body?.[name]
  return isBody(wish) ? wish : undefined
}

const changeable = ["display_name", "name", "display_description", "description", "metadata"]

/** As `wishIn`; one client sends a change without its name around it. */
export function changeIn(body: Body | undefined, name: string): Body | undefined {
  const isBare = body !== undefined && changeable.some((field) => Object.hasOwn(body, field))
  return wishIn(body, name) ?? (isBare ? body : undefined)
}

export const unprocessable = (asked: Asked): Result<Answer> =>
  asked.refuse(422, "Unable to process the contained instructions")

/** As `read` does for the fault of a value: the answer instead, where the value is not there. */
export type Read<T> = { ok: true; value: T } | { ok: false; answer: Result<Answer> }
export const good = <T>(value: T): Read<T> => ({ ok: true, value })
export const bad = (answer: Result<Answer>): { ok: false; answer: Result<Answer> } => ({
  ok: false,
  answer,
})
