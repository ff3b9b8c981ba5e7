/** The few shapes that this face's answers have. */
import type { Started } from "../../core/core.ts"
import { type Fault, no, ok, type Result } from "../../domain/fault.ts"
import { hasEnded, type Operation } from "../../domain/operation.ts"
import type { Answer } from "../face.ts"
import { cursorOf } from "./wire/words.ts"

/** 200, or another status, with one rendered value. */
export function shown<T>(
  found: Result<T>,
  render: (value: T) => object,
  status = 200,
): Result<Answer> {
  return found.ok ? ok({ status, body: render(found.value) }) : found
}

/** 202: the thing as it is now, and where to watch the operation that goes on. */
export function accepted<T>(
  started: Result<Started<T>>,
  render: (resource: T) => object,
): Result<Answer> {
  return started.ok ? ok(withOperation(started.value, render, 202)) : started
}

/** For work that ended within the request: what its operation came to is the answer. */
export function finished<T>(
  started: Result<Started<T>>,
  render: (resource: T) => object,
  status: number,
): Result<Answer> {
  if (!started.ok) return started
  const { operation } = started.value
  if (operation.state === "done") return ok(withOperation(started.value, render, status))
  return hasEnded(operation.state) ? no(failureOf(operation)) : accepted(started, render)
}

export function failureOf({ id, fault, reason, state }: Operation): Fault {
  return fault ?? { kind: "failed", operationId: id, why: reason ?? `the operation is ${state}` }
}

function withOperation<T>(
  { resource, operation, replayed }: Started<T>,
  render: (resource: T) => object,
  status: number,
): Answer {
  const location = { Location: `/api/operations/${operation.id}` }
  return {
    status,
    headers: replayed ? { ...location, "Idempotent-Replayed": "true" } : location,
    body: { ...render(resource), operationId: operation.id },
  }
}

/**
 * One page. The core is asked for one more than the page holds: whether it is there tells if
 * there is a next page, without a page that turns out empty.
 */
export async function page<T extends { id: string }, Q extends { limit: number }>(
  query: Q,
  list: (query: Q) => Promise<Result<T[]>>,
  render: (item: T) => object,
): Promise<Result<Answer>> {
  const found = await list({ ...query, limit: query.limit + 1 })
  if (!found.ok) return found
  const items = found.value.slice(0, query.limit)
  const last = items.at(-1)
  const next = found.value.length > items.length && last ? cursorOf(last.id) : null
  return ok({ status: 200, body: { items: items.map(render), next } })
}
