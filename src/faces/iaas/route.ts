/**
 * How a route of this face is written down. JSON is read whatever the Content-Type says, null and
 * absent are the same, an empty query parameter counts as absent, an unknown one is passed over.
 * An id that is no UUID names nothing: the same answer as for one that was never given.
 */
import { z } from "zod"
import type { Asking, Core } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { no, ok, type ResourceKind, type Result } from "../../domain/fault.ts"
import { type Id, parseId } from "../../domain/ids.ts"
import { askingOf } from "../asking.ts"
import type { Answer, Request, Route } from "../face.ts"
import { read } from "../read.ts"
import { readBodyJson } from "./json.ts"
import { checkVersion } from "./versions.ts"

/** What a route's own code is given; `ids` are those of the path. */
export type Asked<I, Q, B> = {
  core: Core
  who: Principal
  asking: Asking
  ids: I
  query: Q
  body: B
  request: Request
}

type Kinds = Record<string, ResourceKind>
type Ids<K extends Kinds> = { [N in keyof K]: Id<K[N]> }

type Told<K extends Kinds, Q extends z.ZodType, B extends z.ZodType> = Pick<
  Route,
  "method" | "path" | "open"
> & {
  /** What each parameter of the path is the id of. */
  ids?: K
  query?: Q
  body?: B
  /** `apiVersion` must be given. */
  versioned?: boolean
  answer(asked: Asked<Ids<K>, z.output<Q>, z.output<B>>): Promise<Result<Answer>>
}

const anything = z.object({})
type Anything = typeof anything

export function route<
  K extends Kinds = Record<never, never>,
  Q extends z.ZodType = Anything,
  B extends z.ZodType = Anything,
>({ method, path, open = false, ids, query, body, versioned, answer }: Told<K, Q, B>): Route {
  return {
    method,
    path,
    open,
    async answer(core, who, request) {
      const said = readQuery(request.query)
      const version = checkVersion(said["apiVersion"], versioned === true)
      if (!version.ok) return version
      const found = readIds(ids ?? {}, request.params)
      if (!found.ok) return found
      const asked = read<z.ZodType>(query ?? anything, said)
      if (!asked.ok) return asked
      const wish = readBody(body, request)
      if (!wish.ok) return wish
      return answer({
        core,
        who,
        asking: askingOf("iaas", who, request),
        // What was read is typed by the schemas that read it; here they are only `ZodType`s.
        ids: found.value as Ids<K>,
        query: asked.value as z.output<Q>,
        body: wish.value as z.output<B>,
        request,
      })
    },
  }
}

function readIds(kinds: Kinds, params: Record<string, string>): Result<Record<string, string>> {
  const ids: Record<string, string> = {}
  for (const [name, what] of Object.entries(kinds)) {
    const text = params[name] ?? ""
    const id = parseId(text)
    if (id === undefined) return no({ kind: "not-found", what, id: text.slice(0, 255) })
    ids[name] = id
  }
  return ok(ids)
}

/** `$orderBy` and `$orderby` are both written. Of a parameter that comes twice the last counts. */
function readQuery(query: Request["query"]): Record<string, string> {
  const said = Object.entries(query).flatMap(([name, value]) => {
    const text = Array.isArray(value) ? value.at(-1) : value
    return text === undefined || text.trim() === ""
      ? []
      : [[name.startsWith("$") ? name.toLowerCase() : name, text] as const]
  })
  return Object.fromEntries(said)
}

/** Of a route that takes none, a body is not looked at. */
function readBody(schema: z.ZodType | undefined, request: Request): Result<unknown> {
  if (schema === undefined) return ok({})
  const json = readBodyJson(request.bytes)
  return json.ok ? read(schema, withoutNulls(json.value)) : json
}

function withoutNulls(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value
  return Object.fromEntries(Object.entries(value).filter(([, member]) => member !== null))
}
