/**
 * How a route of this face is written down: once, for both families of URIs. In the long one the
 * account in the path must be one's own; what is not, is not there. JSON is read whatever the
 * Content-Type says, because the documents' own examples say something that is no media type.
 */
import { z } from "zod"
import type { Asking, Core } from "../../core/core.ts"
import type { Principal } from "../../domain/account.ts"
import { no, ok, type ResourceKind, type Result } from "../../domain/fault.ts"
import { type Id, type MachineId, parseId } from "../../domain/ids.ts"
import { askingOf } from "../asking.ts"
import type { Answer, Method, Request, Route } from "../face.ts"
import { read, readJson } from "../read.ts"
import { type Place, placeOf } from "./links.ts"

/** What a route's own code is given. */
export type Asked<B = unknown> = {
  core: Core
  who: Principal
  asking: Asking
  place: Place
  body: B
  request: Request
}

type Told<B extends z.ZodType, A> = {
  method: Method
  /** More than one where a thing has two names. */
  paths: readonly string[]
  body?: B
  /** Waits for work to end before it answers. */
  lasting?: boolean
  answer(asked: A): Promise<Result<Answer>>
}

const anything = z.unknown()

export function route<B extends z.ZodType = typeof anything>(
  told: Told<B, Asked<z.output<B>>>,
): Route[] {
  const { method, paths, body = anything, lasting, answer } = told
  const lane = lasting === true ? { lasting } : {}
  return paths.flatMap((path) =>
    ["", "/accounts/:account/flexcloud"].map(
      (family): Route => ({
        method,
        path: `${family}${path}`,
        ...lane,
        async answer(core, stranger, request) {
          const { account } = request.params
          const who = await inAccount(core, stranger, account)
          if (!who.ok) return who
          const wish = readBody(body, method, request)
          if (!wish.ok) return wish
          return answer({
            core,
            who: who.value,
            asking: askingOf("hostway", who.value, request),
            place: placeOf(request, account),
            // Typed by the schema that read it; here that is only some `ZodType`.
            body: wish.value as z.output<B>,
            request,
          })
        },
      }),
    ),
  )
}

export type AskedOfServer<B = unknown> = Asked<B> & { server: MachineId }

/** A route of one server: its paths go on from the server's own. */
export function serverRoute<B extends z.ZodType = typeof anything>(
  told: Told<B, AskedOfServer<z.output<B>>>,
): Route[] {
  return route<B>({
    ...told,
    paths: told.paths.map((path) => `/servers/:server${path}`),
    async answer(asked) {
      const server = idIn("machine", asked.request.params["server"])
      return server.ok ? told.answer({ ...asked, server: server.value }) : server
    },
  })
}

/** One that is no UUID is the id of nothing. */
export function idIn<K extends ResourceKind>(what: K, text = ""): Result<Id<K>> {
  const id = parseId<K>(text)
  return id === undefined ? no({ kind: "not-found", what, id: text }) : ok(id)
}

/** `account`: as the path names it, by its login, tenant id or number. */
export async function inAccount(
  core: Core,
  who: Principal,
  account: string | undefined,
): Promise<Result<Principal>> {
  if (account === undefined) return ok(who)
  const acting = await core.identity.actFor(who, account)
  // The administrator, too, gets no more from an account's URL than is that account's.
  if (acting.ok) return ok({ ...acting.value, everywhere: false })
  return acting.fault.kind === "forbidden"
    ? no({ kind: "not-found", what: "account", id: account })
    : acting
}

function readBody(schema: z.ZodType, method: Method, request: Request): Result<unknown> {
  if (method === "GET" || method === "DELETE") return ok(undefined)
  const value = readJson(request.bytes)
  return value.ok ? read(schema, value.value) : value
}
