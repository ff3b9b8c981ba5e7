/**
 * How a route of this face is written down: its schemas are its documentation and its guard, so a
 * route's own code sees only what has passed them. The id in a path is read here too: one that is
 * no UUID names nothing, and the answer is the same as for an id that was never given.
 */
import { z } from "zod"
import type { Asking, Core } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { ok, type ResourceKind, type Result } from "../../domain/fault.ts"
import type { Id } from "../../domain/ids.ts"
import type { Caller } from "../../domain/operation.ts"
import type { Answer, Request, Route, RouteStory } from "../face.ts"
import { read, readJson } from "../read.ts"
import { wrongMediaType } from "./problem.ts"
import { readRepeat } from "./repeat.ts"
import { idOf } from "./wire/words.ts"

/** What a route's own code is given. */
export type Asked<K extends ResourceKind, Q, B> = {
  core: Core
  who: Principal
  asking: Asking
  /** The path's `:id`. */
  id: Id<K>
  query: Q
  body: B
  request: Request
}

type Told<K extends ResourceKind, Q extends z.ZodType, B extends z.ZodType> = Omit<
  Route,
  "story" | "answer"
> &
  Pick<RouteStory, "summary" | "tag" | "answers"> & {
    /** What the path's `:id` is the id of. */
    resource?: K
    /** The path's parameters, where they are not an `:id`; they are in `request.params`. */
    params?: z.ZodType
    query?: Q
    body?: B
    answer(asked: Asked<K, z.output<Q>, z.output<B>>): Promise<Result<Answer>>
  }

const nothing = z.strictObject({})
type Nothing = typeof nothing

export function route<
  K extends ResourceKind = never,
  Q extends z.ZodType = Nothing,
  B extends z.ZodType = Nothing,
>(told: Told<K, Q, B>): Route {
  const { summary, tag, answers, resource, query, body, params: others, answer, ...rest } = told
  const params: z.ZodType =
    others ?? (resource === undefined ? nothing : z.strictObject({ id: idOf(resource) }))
  const story = { summary, tag, answers, params, query: query ?? nothing }
  return {
    ...rest,
    story: body === undefined ? story : { ...story, body },
    async answer(core, who, request) {
      const place = read(params, request.params)
      if (!place.ok) return place
      const asked = read(story.query, request.query)
      if (!asked.ok) return asked
      if (request.bytes.length > 0 && !isJson(request)) return ok(wrongMediaType([json], request))
      const wish = readBody(body ?? nothing, request)
      if (!wish.ok) return wish
      const repeat = readRepeat(request)
      if (!repeat.ok) return repeat
      return answer({
        core,
        who,
        asking: { who, caller: callerOf(request), ...repeat.value },
        // What was read is typed by the schemas that read it; here they are only `ZodType`s.
        id: (place.value as { id: Id<K> }).id,
        query: asked.value as z.output<Q>,
        body: wish.value as z.output<B>,
        request,
      })
    },
  }
}

const callerOf = ({ remoteAddress }: Request): Caller => ({
  face: "native",
  address: remoteAddress,
  key: null,
})

const json = "application/json"

function readBody(schema: z.ZodType, request: Request): Result<unknown> {
  const value = readJson(request.bytes)
  return value.ok ? read(schema, value.value) : value
}

/** A body without a type is taken for JSON: there is nothing else that it could be. */
function isJson({ headers }: Request): boolean {
  const type = headers["content-type"]
  return type === undefined || type.split(";", 1)[0]?.trim().toLowerCase() === json
}
