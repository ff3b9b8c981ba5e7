/** The house itself: what it is, how it is, what happens in it. */
import packageFile from "../../../../package.json" with { type: "json" }
import { no, ok } from "../../../domain/fault.ts"
import type { Route } from "../../face.ts"
import { shown } from "../answers.ts"
import { eventStream, startAfter } from "../events.ts"
import { route } from "../route.ts"
import { downloadPlain } from "../transfer.ts"
import { renderSelf, Self } from "../wire/account.ts"
import { EventQuery } from "../wire/event.ts"
import { About, DoctorWish, Findings, Liveness, Readiness, renderFindings } from "../wire/house.ts"

const tag = "house"
const about = { name: "tintype", version: packageFile.version, api: "/api/openapi.json" }

const aboutAt = (path: string) =>
  route({
    method: "GET",
    path,
    open: true,
    tag,
    summary: "What this is",
    answers: { 200: About },
    answer: async () => ok({ status: 200, body: about }),
  })

export const houseRoutes: readonly Route[] = [
  aboutAt("/"),
  aboutAt("/api"),
  route({
    method: "GET",
    path: "/livez",
    open: true,
    tag,
    summary: "Whether the process answers",
    answers: { 200: Liveness },
    answer: async () => ok({ status: 200, body: { live: true } }),
  }),
  route({
    method: "GET",
    path: "/readyz",
    open: true,
    tag,
    summary: "Whether the service works, and what in it does not",
    answers: { 200: Readiness, 503: Readiness },
    async answer({ core }) {
      const readiness = await core.house.readiness()
      return ok({ status: readiness.ready ? 200 : 503, body: readiness })
    },
  }),
  route({
    method: "GET",
    path: "/metrics",
    open: true,
    tag,
    summary: "Counters, in the text format of Prometheus",
    answers: { 200: "text/plain" },
    async answer({ core }) {
      const headers = { "Content-Type": "text/plain; version=0.0.4; charset=utf-8" }
      return ok({ status: 200, headers, body: await core.house.metrics() })
    },
  }),
  route({
    method: "GET",
    path: "/api/whoami",
    tag,
    summary: "Who is asking, and for which account",
    answers: { 200: Self },
    async answer({ core, who }) {
      const account = await core.identity.account(who.accountId)
      if (account === undefined)
        return no({ kind: "not-found", what: "account", id: who.accountId })
      return ok({ status: 200, body: renderSelf(who, account) })
    },
  }),
  route({
    method: "GET",
    path: "/api/events",
    lasting: true,
    tag,
    summary: "What happens, as it happens",
    query: EventQuery,
    answers: { 200: "text/event-stream" },
    async answer({ core, who, query, request }) {
      const lastEventId = request.headers["last-event-id"]
      const after = await startAfter(core, {
        lastEventId: typeof lastEventId === "string" ? lastEventId : undefined,
        after: query.after,
      })
      const until = AbortSignal.any([request.signal, request.closing])
      const headers = { "Content-Type": "text/event-stream", "Cache-Control": "no-cache" }
      return ok({ status: 200, headers, body: eventStream({ core, who, after, until }) })
    },
  }),
  route({
    method: "GET",
    path: "/api/doctor",
    tag,
    summary: "What is not as it should be",
    answers: { 200: Findings },
    async answer({ core, who }) {
      return shown(await core.house.doctor(who, { fix: false, rebuild: false }), renderFindings)
    },
  }),
  route({
    method: "POST",
    path: "/api/doctor",
    tag,
    summary: "Mends what can be mended",
    body: DoctorWish,
    answers: { 200: Findings },
    answer: async ({ core, who, body }) =>
      shown(await core.house.doctor(who, body), renderFindings),
  }),
  route({
    method: "GET",
    path: "/api/backup",
    lasting: true,
    tag,
    summary: "A consistent copy of the ledger",
    answers: { 200: "application/octet-stream" },
    answer: ({ core, who, request }) =>
      downloadPlain(request, (sink) => core.house.backup(who, sink)),
  }),
]
