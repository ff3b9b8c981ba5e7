import type { Core } from "../../../core/core.ts"
import type { Principal } from "../../../domain/account.ts"
import { ok } from "../../../domain/fault.ts"
import type { OperationId } from "../../../domain/ids.ts"
import type { Route } from "../../face.ts"
import { page, shown } from "../answers.ts"
import { route } from "../route.ts"
import {
  Operation,
  OperationPage,
  OperationQuery,
  renderOperation,
  renderSummary,
  WaitQuery,
} from "../wire/operation.ts"

const tag = "operations"

export const operationRoutes: readonly Route[] = [
  route({
    method: "GET",
    path: "/api/operations",
    tag,
    summary: "The account's operations",
    query: OperationQuery,
    answers: { 200: OperationPage },
    answer: ({ core, who, query: { unended, ...listing } }) =>
      page(
        { ...listing, ...(unended && { unendedOnly: true }) },
        (one) => core.operations.list(who, one),
        renderSummary,
      ),
  }),
  route({
    method: "GET",
    path: "/api/operations/:id",
    resource: "operation",
    tag,
    summary: "One operation with its steps; waits for its end when asked to",
    query: WaitQuery,
    answers: { 200: Operation },
    async answer({ core, who, id, query, request }) {
      const found = await look(core, who, id, query.wait, request.closing)
      return shown(found, renderOperation)
    },
  }),
  route({
    method: "POST",
    path: "/api/operations/:id/cancel",
    resource: "operation",
    tag,
    summary: "Gives an operation up: what it has done is taken back, while that is possible",
    answers: { 202: Operation },
    async answer({ core, asking, id }) {
      const given = await core.operations.cancel(asking, id)
      if (!given.ok) return given
      const headers = { Location: `/api/operations/${id}` }
      return ok({ status: 202, headers, body: renderOperation(given.value) })
    },
  }),
]

/** A service about to stop answers those who wait with what it knows. */
function look(core: Core, who: Principal, id: OperationId, waitS: number, closing: AbortSignal) {
  if (waitS === 0 || closing.aborted) return core.operations.get(who, id)
  const stopping = Promise.withResolvers<void>()
  const stop = () => stopping.resolve()
  closing.addEventListener("abort", stop, { once: true })
  return Promise.race([
    core.operations.wait(who, id, waitS * 1000),
    stopping.promise.then(() => core.operations.get(who, id)),
  ]).finally(() => closing.removeEventListener("abort", stop))
}
